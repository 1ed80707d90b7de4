import { WORD_VECTORS_ASSET } from '../word-vectors.ts';

/** Returns a function that reads the table of word vectors, a static asset of the Worker. */
export function wordVectorsOf(assets: { fetch(url: string): Promise<Response> }) {
  return async (): Promise<Uint8Array> => {
    // The binding looks at the path only, but an address needs a host.
    const found = await assets.fetch(`https://assets.invalid${WORD_VECTORS_ASSET}`);
    if (!found.ok) throw new Error(`the asset answered with status ${found.status}`);
    return new Uint8Array(await found.arrayBuffer());
  };
}

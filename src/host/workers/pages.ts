import { assetName } from '../pages/files.ts';
import { createPages, type Pages } from '../pages/pages.ts';

/** The part of Workers' binding for static assets that the pages need. */
interface AssetsBinding {
  fetch(url: string): Promise<Response>;
}

/** Returns the pages on Workers, from the static assets that `host/build/assets.ts` collected. */
export function createWorkerPages(assets: AssetsBinding): Pages {
  return createPages(async (path) => {
    // The binding looks at the path only, but an address needs a host.
    const found = await assets.fetch(`https://assets.invalid${assetName(path)}`);
    return found.ok ? (found.body ?? undefined) : undefined;
  });
}

/**
 * Limits what the PDF library unpacks, and how deep it nests. It unpacks a stream in one step,
 * whatever that yields, and a Worker has neither a thread that could be ended nor memory to spare.
 * So the build adds a check to the place where its buffers grow; it fails if the place is no longer
 * there.
 */
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

interface Place {
  code: string;
  /** How often it occurs. */
  times: number;
  becomes: string;
}

const PLACES: readonly Place[] = [
  {
    code: 'if(e<=t.byteLength)return t;let n=this.minBufferLength;for(;n<e;)n*=2;',
    times: 1,
    becomes:
      'if(e<=t.byteLength)return t;let n=this.minBufferLength;for(;n<e;)n*=2;checkLimit(this,n);',
  },
  // Each state inherits from the one before, so a thousand that nobody restores take minutes.
  {
    code: 'save(){let e=this.state;this.stateStack.push(this.state),',
    times: 1,
    becomes:
      'save(){if(this.stateStack.length>=512)return;let e=this.state;this.stateStack.push(this.state),',
  },
  // The runtime's own streams would unpack all parts of a page side by side, and without a limit.
  { code: 'get isAsync(){return this.#e}', times: 2, becomes: 'get isAsync(){return!1}' },
];

/**
 * Most bytes of one stream, and of all streams of a file with those that were outgrown. A file is
 * known by its size, since nothing else of it is known where its streams are unpacked.
 */
const CHECK = `
const MOST = 32 * 1024 * 1024;
const MOST_IN_ALL = 512 * 1024 * 1024;
const grown = new Map();
const exceeding = new Set();
const anyFile = -1;
function fileOf(stream) {
  for (let at = stream; at; at = at.stream ?? at.streams?.[0])
    if (at.bytes && !at.stream) return at.bytes.buffer.byteLength;
  return anyFile;
}
function checkLimit(stream, length) {
  if (length < 65536) return;
  const file = fileOf(stream);
  const all = (grown.get(file) ?? 0) + length;
  grown.set(file, all);
  if (length <= MOST && all <= MOST_IN_ALL) return;
  exceeding.add(file);
  throw new Error('a stream unpacks to more than can be read');
}
export const streamLimit = {
  isExceeded: (file) => exceeding.has(file) || exceeding.has(anyFile),
  forget(file) {
    for (const one of [file, anyFile]) {
      grown.delete(one);
      exceeding.delete(one);
    }
  },
};
`;

export const limitedPdf: Plugin = {
  name: 'limited-pdf',
  setup(build) {
    build.onLoad({ filter: /unpdf[\\/]dist[\\/]pdfjs\.mjs$/ }, async ({ path }) => {
      let contents = await readFile(path, 'utf8');
      for (const { code, times, becomes } of PLACES) {
        if (contents.split(code).length - 1 !== times)
          throw new Error('the PDF library has changed: what is limited is in another place');
        contents = contents.replaceAll(code, becomes);
      }
      return { contents: contents + CHECK, loader: 'js' };
    });
  },
};

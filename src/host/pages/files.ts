// Lists which file is published under which path. Our files lie beside this one in `static/`, those
// of the viewers in their package or in `vendor/`; names are relative to the root of the
// repository. The chat's own files are built: `host/build/web.ts` says which.

export interface PageFile {
  file: string;
  type: string;
  /** Replaces an address on another host. */
  replace?: { address: string; by: string };
}

const HTML = 'text/html; charset=utf-8';
const CSS = 'text/css; charset=utf-8';
const JSON_TYPE = 'application/json';
const SCRIPT = 'text/javascript; charset=utf-8';

const PICTURE = 'image/svg+xml';

const NO_IMAGE = 'data:image/gif;base64,R0lGODlhAQABAAAAACw=';

const ours = 'src/host/pages/static';
const swagger = 'node_modules/swagger-ui-dist';
const vendor = 'src/host/pages/vendor';

/** The copies of files from packages that only development installs, and their origin. */
export const VENDORED: Readonly<Record<string, string>> = {
  [`${vendor}/redoc.standalone.js`]: 'node_modules/redoc/bundles/redoc.standalone.js',
  [`${vendor}/redoc.standalone.js.LICENSE.txt`]:
    'node_modules/redoc/bundles/redoc.standalone.js.LICENSE.txt',
  [`${vendor}/redoc.LICENSE.txt`]: 'node_modules/redoc/LICENSE',
};

/** The tables of characters for PDFs, and their origin. */
export const CMAPS = { copy: 'src/host/cmaps', original: 'node_modules/pdfjs-dist/cmaps' };

/** The published paths, with the file and type of each. */
export const FILES: Readonly<Record<string, PageFile>> = {
  '/docs': { file: `${ours}/docs.html`, type: HTML },
  '/redoc': { file: `${ours}/redoc.html`, type: HTML },
  // For a conversation that is read without the chat.
  '/assets/reading.css': { file: `${ours}/reading.css`, type: CSS },
  '/assets/docs.css': { file: `${ours}/docs.css`, type: CSS },
  '/assets/docs.js': { file: `${ours}/docs.js`, type: SCRIPT },
  '/assets/redoc.js': { file: `${ours}/redoc.js`, type: SCRIPT },
  // What the description of the API says in sentences and examples.
  '/assets/api-notes.json': { file: `${ours}/api-notes.json`, type: JSON_TYPE },
  '/assets/icon.svg': { file: `${ours}/icon.svg`, type: PICTURE },
  '/assets/swagger-ui.css': { file: `${swagger}/swagger-ui.css`, type: CSS },
  '/assets/swagger-ui.js': { file: `${swagger}/swagger-ui-bundle.js`, type: SCRIPT },
  '/assets/redoc.standalone.js': {
    file: `${vendor}/redoc.standalone.js`,
    type: SCRIPT,
    replace: { address: 'https://cdn.redoc.ly/redoc/logo-mini.svg', by: NO_IMAGE },
  },
};

/** The types of the files that are built, by the ends of their names. */
const BUILT_TYPES: Readonly<Record<string, string>> = { js: SCRIPT, css: CSS, svg: PICTURE };

/** Returns the type of what is published under a path; undefined where nothing can be. */
export function typeOf(path: string): string | undefined {
  if (isPage(path)) return HTML;
  const [, ending = ''] = /\.(\w+)$/u.exec(path) ?? [];
  return FILES[path]?.type ?? (isHashed(path) ? BUILT_TYPES[ending] : undefined);
}

/** Returns true for an address that changes with its content. */
export function isHashed(path: string): boolean {
  return /^\/assets\/[\w-]+-[A-Z0-9]{8}\.(?:js|css|svg)$/u.test(path);
}

/** Returns true for the chat's page in one of its languages, and for the pages of the viewers. */
function isPage(path: string): boolean {
  return /^\/[a-z]{0,6}$/u.test(path);
}

/**
 * Returns the name of the file for a path in the directory that Workers serves, where `/docs` is
 * `/docs.html`.
 */
export function assetName(path: string): string {
  if (path === '/') return '/index.html';
  return path.startsWith('/assets/') ? path : `${path}.html`;
}

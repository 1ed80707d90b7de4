/**
 * Builds the chat: `web/main` and what it imports become scripts and one style sheet, whose names
 * carry a hash of their content, and a page in each language that names them. What is loaded only
 * when it is needed is a script of its own.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { FILES } from '../pages/files.ts';
import { DEFAULT_LANGUAGE } from '../../routes/shared/languages.ts';
import { escapeHtml } from '../../text/escape-html.ts';

const root = resolve(import.meta.dirname, '../../..');
const web = join(root, 'web');

/** Builds the chat. @returns the texts of its files by the paths under which they are published */
export async function buildWeb(): Promise<Map<string, string>> {
  const { outputFiles, metafile } = await bundle();
  const files = new Map<string, string>(
    outputFiles.map(({ path, text }) => [`/assets/${basename(path)}`, text] as const),
  );
  const icon = await readIcon();
  files.set(icon.path, icon.text);
  const template = await readFile(join(web, 'page.html'), 'utf8');
  for (const language of await languages()) {
    const words = await readWords(language);
    const page = fill(template, {
      ...words,
      ...assetsOf(metafile, language),
      icon: icon.path,
      language,
    });
    files.set(language === DEFAULT_LANGUAGE ? '/' : `/${language}`, page);
  }
  return files;
}

/** The icon, under a name that changes with it. */
async function readIcon(): Promise<{ path: string; text: string }> {
  const text = await readFile(join(root, FILES['/assets/icon.svg']?.file ?? ''), 'utf8');
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 8).toUpperCase();
  return { path: `/assets/icon-${hash}.svg`, text };
}

function bundle() {
  return build({
    entryPoints: { chat: join(web, 'main.ts'), style: join(web, 'styles/style.css') },
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: ['chrome123', 'firefox121', 'safari17.5'],
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    outdir: join(root, 'dist/assets/assets'),
    absWorkingDir: root,
    write: false,
    metafile: true,
    logLevel: 'silent',
    plugins: [wordsOfScripts],
  });
}

/** Leaves the words out of the scripts that stand in the page alone. */
const wordsOfScripts: Plugin = {
  name: 'words-of-scripts',
  setup(bundling) {
    bundling.onLoad({ filter: /languages.\w+\.json$/ }, async ({ path }) => {
      const scripts = await readScripts();
      const words = Object.entries(JSON.parse(await readFile(path, 'utf8')) as object);
      const said = words.filter(([name]) => scripts.includes(`'${name}'`));
      return {
        contents: `export default ${JSON.stringify(Object.fromEntries(said))}`,
        loader: 'js',
      };
    });
  },
};

async function readScripts(): Promise<string> {
  const names = (await readdir(web, { recursive: true })).filter((name) => name.endsWith('.ts'));
  return (await Promise.all(names.map((name) => readFile(join(web, name), 'utf8')))).join('\n');
}

async function languages(): Promise<string[]> {
  const names = await readdir(join(web, 'languages'));
  return names.filter((name) => name.endsWith('.json')).map((name) => basename(name, '.json'));
}

/** The words of a language; those that it lacks are the default language's. */
async function readWords(language: string): Promise<Record<string, string>> {
  const [standard, own] = await Promise.all(
    [DEFAULT_LANGUAGE, language].map(async (name) => {
      const text = await readFile(join(web, `languages/${name}.json`), 'utf8');
      // A file of ours: a test looks at its shape.
      return JSON.parse(text) as Record<string, string>;
    }),
  );
  return { ...standard, ...own };
}

/** Returns the addresses that the page names: its style sheet, and scripts to load at once. */
function assetsOf(metafile: Metafile, language: string): Record<string, string> {
  const outputs = Object.entries(metafile.outputs);
  const pathOf = (entry: string) =>
    outputs.find(([, { entryPoint }]) => entryPoint === relative(root, join(web, entry)))?.[0];
  const script = pathOf('main.ts') ?? '';
  const imported = metafile.outputs[script]?.imports ?? [];
  const needed = [
    ...imported.filter(({ kind }) => kind === 'import-statement').map(({ path }) => path),
    pathOf(`languages/${language}.json`),
  ].filter((path) => path !== undefined);
  return {
    style: addressOf(pathOf('styles/style.css') ?? ''),
    script: addressOf(script),
    preloads: needed
      .map((path) => `<link rel="modulepreload" href="${addressOf(path)}" />`)
      .join('\n    '),
  };
}

function addressOf(output: string): string {
  return `/assets/${basename(output)}`;
}

/** Puts texts in the places of a template: `{{name}}`, or `{{{name}}}` for markup. */
function fill(template: string, values: Record<string, string>): string {
  return template
    .replaceAll(/\{\{\{(\S+?)\}\}\}/gu, (_, name: string) => valueOf(values, name))
    .replaceAll(/\{\{(\S+?)\}\}/gu, (_, name: string) => escapeHtml(valueOf(values, name)));
}

function valueOf(values: Record<string, string>, name: string): string {
  const value = values[name];
  if (value === undefined) throw new Error(`web/page.html asks for ${name}, which nothing gives`);
  return value;
}

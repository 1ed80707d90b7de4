/**
 * Reads the XML of office documents as a stream of elements. Entities that a document declares are
 * never resolved, and a document that declares any is refused. Nothing that it names is fetched.
 */
import { Parser } from 'htmlparser2';
import { decodeText } from '../decode-text.ts';
import { unreadable } from '../refusals.ts';
import type { Archive } from './archive.ts';

/** Deepest nesting; no program writes more. */
const DEEPEST = 256;

export type Attributes = Record<string, string>;

export interface XmlHandler {
  /** Called for a start tag. Names have no prefix; attributes keep theirs (`w:val`). */
  open?(name: string, attributes: Attributes): void;
  text?(text: string): void;
  close?(name: string): void;
}

/**
 * Reads XML and reports its elements.
 * @throws ParleyError `document_unreadable` if it is nested too deeply or declares entities
 */
export function readXml(bytes: Uint8Array, handler: XmlHandler): void {
  let depth = 0;
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (++depth > DEEPEST) throw unreadable('The document is nested too deeply');
        handler.open?.(local(name), attributes);
      },
      ontext(text) {
        handler.text?.(text);
      },
      onclosetag(name) {
        depth--;
        handler.close?.(local(name));
      },
      onprocessinginstruction(name, data) {
        // Old books have a document type, which is no more than a name.
        if (name.toLowerCase() === '!doctype' && data.includes('['))
          throw unreadable('The document declares entities, which office formats do not have');
      },
    },
    { xmlMode: true },
  );
  parser.end(decodeText(bytes, undefined).text);
}

function local(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

/** Returns the texts of the elements of these names in order, each as one line and not empty. */
export function textsOf(bytes: Uint8Array, names: ReadonlySet<string>): string[] {
  const texts: string[] = [];
  let depth = 0;
  readXml(bytes, {
    open(name) {
      if (names.has(name) && depth++ === 0) texts.push('');
      // Words of neighbouring paragraphs and cells are not one word.
      if (depth > 0 && SEPARATED.has(name)) texts[texts.length - 1] += ' ';
    },
    text(text) {
      if (depth > 0) texts[texts.length - 1] += text;
    },
    close(name) {
      if (names.has(name)) depth--;
    },
  });
  return texts.map((text) => text.replace(/\s+/gu, ' ').trim()).filter((text) => text !== '');
}

const SEPARATED = new Set(['p', 'h', 'br', 'tab', 's', 'line-break', 'tc', 'table-cell']);

/** Returns an attribute by its name without a prefix. */
export function attribute(attributes: Attributes, name: string): string | undefined {
  const own = attributes[name];
  if (own !== undefined) return own;
  return Object.entries(attributes).find(([key]) => local(key) === name)?.[1];
}

/** Returns the id of a relationship that an element names; its prefix is the program's choice. */
export function relationshipId(attributes: Attributes): string {
  return Object.entries(attributes).find(([name]) => name.endsWith(':id'))?.[1] ?? '';
}

/**
 * Returns the targets of a part's relationships by id, as names in the archive, with their types.
 */
export function relationships(
  archive: Archive,
  part: string,
): Map<string, { target: string; type: string }> {
  const [folder, file] = [
    part.slice(0, part.lastIndexOf('/') + 1),
    part.slice(part.lastIndexOf('/') + 1),
  ];
  const found = new Map<string, { target: string; type: string }>();
  const bytes = archive.read(`${folder}_rels/${file}.rels`);
  if (!bytes) return found;
  readXml(bytes, {
    open(name, { Id, Target, Type, TargetMode }) {
      // External targets are never fetched.
      if (name === 'Relationship' && Id && Target && TargetMode !== 'External')
        found.set(Id, { target: resolvePath(folder, Target), type: Type?.split('/').at(-1) ?? '' });
    },
  });
  return found;
}

/** Resolves a path within an archive. */
export function resolvePath(folder: string, target: string): string {
  if (target.startsWith('/')) return target.slice(1);
  const parts: string[] = [];
  for (const part of `${folder}${target}`.split('/'))
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  return parts.join('/');
}

/** Returns the title in a document's properties. */
export function titleOf(archive: Archive): string | undefined {
  const bytes = archive.read('docProps/core.xml');
  let isTitle = false;
  let title = '';
  if (bytes)
    readXml(bytes, {
      open: (name) => (isTitle = name === 'title'),
      text: (text) => (title += isTitle ? text : ''),
      close: () => (isTitle = false),
    });
  return title.trim() || undefined;
}

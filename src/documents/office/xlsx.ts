/**
 * Extracts the visible cells of a workbook: a heading and a table for each sheet that is not
 * hidden.
 */
import { tooLarge, unreadable } from '../refusals.ts';
import type { Archive } from './archive.ts';
import { formatCell, readFormats, type Formats } from './xlsx-formats.ts';
import { oneLine, placeOf, SEPARATOR, sheetText, type Cell } from './sheet-text.ts';
import {
  attribute,
  readXml,
  relationshipId,
  relationships,
  textsOf,
  titleOf,
  type Attributes,
} from './xml.ts';

const WORKBOOK = 'xl/workbook.xml';
/** Longest text of all sheets, in UTF-16 units: more than a document may have. */
const LONGEST = 4_200_000;

/** The elements that hold the texts of a sheet's other parts, by the type of the part. */
const NOTES: Readonly<Record<string, ReadonlySet<string>>> = {
  comments: new Set(['text']),
  threadedComment: new Set(['text']),
  drawing: new Set(['txBody']),
};

interface Sheet {
  name: string;
  part: string;
}

export function readXlsx(archive: Archive): { text: string; title: string | undefined } {
  const { sheets, is1904 } = readWorkbook(archive);
  const parts = [...relationships(archive, WORKBOOK).values()];
  const partOf = (type: string) =>
    archive.read(parts.find((part) => part.type === type)?.target ?? '');
  const strings = sharedStrings(partOf('sharedStrings'));
  const formats = readFormats(partOf('styles'), is1904);
  let length = 0;
  const texts = sheets.map(({ name, part }) => {
    const rows = readRows(archive.read(part), { strings, formats, room: LONGEST - length });
    const text = sheetText({ name, rows, notes: notesOf(archive, part) });
    length += text.length;
    return text;
  });
  return { text: texts.filter((text) => text !== '').join('\n\n'), title: titleOf(archive) };
}

/** Returns the comments on a sheet's cells, and the texts of the boxes that lie on it. */
function notesOf(archive: Archive, part: string): string[] {
  const others = [...relationships(archive, part).values()];
  return others.flatMap(({ type, target }) => {
    const names = NOTES[type];
    const bytes = names && archive.read(target);
    return bytes ? textsOf(bytes, names) : [];
  });
}

function readWorkbook(archive: Archive): { sheets: Sheet[]; is1904: boolean } {
  const bytes = archive.read(WORKBOOK);
  if (!bytes) throw unreadable('The document is damaged: it has no workbook');
  const parts = relationships(archive, WORKBOOK);
  const sheets: Sheet[] = [];
  let is1904 = false;
  readXml(bytes, {
    open(name, attributes) {
      if (name === 'workbookPr') is1904 = /^(?:1|true)$/.test(attributes['date1904'] ?? '');
      if (name !== 'sheet' || (attributes['state'] ?? 'visible') !== 'visible') return;
      const part = parts.get(relationshipId(attributes))?.target;
      if (part !== undefined) sheets.push({ name: attributes['name'] ?? 'Sheet', part });
    },
  });
  return { sheets, is1904 };
}

/** Returns the texts that cells refer to by number. Pronunciation guides are skipped. */
function sharedStrings(bytes: Uint8Array | undefined): string[] {
  const strings: string[] = [];
  let [isText, isPhonetic] = [false, false];
  if (bytes)
    readXml(bytes, {
      open(name) {
        if (name === 'si') strings.push('');
        else if (name === 'rPh') isPhonetic = true;
        else isText = name === 't';
      },
      text(text) {
        if (isText && !isPhonetic) strings[strings.length - 1] += text;
      },
      close(name) {
        if (name === 'rPh') isPhonetic = false;
        isText = false;
      },
    });
  return strings;
}

interface Given {
  strings: readonly string[];
  formats: Formats;
  room: number;
}

/** Returns the rows that hold anything, with each cell in its column. */
function readRows(bytes: Uint8Array | undefined, { strings, formats, room }: Given): Cell[][] {
  const rows: Cell[][] = [];
  let [row, cell, value, inner]: [Cell[], Attributes, string, string] = [[], {}, '', ''];
  let length = 0;
  if (!bytes) return rows;
  const isValue = () => inner === 'v' || inner === 't';
  readXml(bytes, {
    open(name, attributes) {
      if (name === 'row') row = [];
      if (name === 'c') [cell, value] = [attributes, ''];
      inner = name;
    },
    text(text) {
      if (isValue()) value += text;
    },
    close(name) {
      inner = '';
      if (name === 'c') {
        const text = cellText(cell, value, strings, formats);
        const column = placeOf(columnOf(attribute(cell, 'r'), row.length), row);
        length += text.length + SEPARATOR;
        if (text !== '') {
          length += SEPARATOR * Math.max(0, column - row.length);
          row[column] = { text, isText: /^(?:s|str|inlineStr)$/.test(cell['t'] ?? '') };
        }
        if (length > room) throw tooLarge('The workbook has more text than a document may have');
      }
      if (name === 'row' && row.length > 0)
        rows.push(Array.from(row, (found) => found ?? { text: '', isText: true }));
    },
  });
  return rows;
}

function cellText(
  cell: Attributes,
  value: string,
  strings: readonly string[],
  formats: Formats,
): string {
  const type = cell['t'] ?? 'n';
  if (type === 's') return oneLine(unescaped(strings[Number(value)] ?? ''));
  if (type === 'b') return value === '1' ? 'TRUE' : 'FALSE';
  if (type === 'n') return formatCell(value, Number(cell['s'] ?? 0), formats);
  return oneLine(unescaped(value));
}

/** Resolves the escapes of characters that XML cannot hold: `_x000D_` (ECMA-376 22.9.2.19). */
function unescaped(text: string): string {
  return text.replace(/_x([\dA-F]{4})_/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** Returns the index of a cell's column: 2 for `C7`. */
function columnOf(reference: string | undefined, fallback: number): number {
  const letters = /^[A-Z]{1,3}/.exec(reference ?? '')?.[0];
  if (letters === undefined) return fallback;
  return Array.from(letters).reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

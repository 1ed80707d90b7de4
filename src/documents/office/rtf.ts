/**
 * Extracts the text of Rich Text Format: headings, lists, tables, then notes, headers and footers.
 * Pictures, objects and whatever a reader may pass over are passed over.
 */
import { unreadable } from '../refusals.ts';
import { charsetOfCodePage, charsetOfFont } from './rtf-charsets.ts';
import { RtfBody } from './rtf-body.ts';
import { destinationOf, type Destination } from './rtf-destinations.ts';
import { headingLevelOf } from './headings.ts';
import { readTokens, type RtfHandler } from './rtf-tokens.ts';

/** Deepest nesting of groups; no program writes more. */
const DEEPEST = 512;

export function readRtf(bytes: Uint8Array): { text: string; title: string | undefined } {
  const reader = new Reader();
  readTokens(new TextDecoder('latin1').decode(bytes), reader);
  return reader.finish();
}

interface Group {
  destination: Destination;
  font: number | undefined;
  /** Characters after each `\u` that old readers show in its place. */
  fallback: number;
  /** True after `\*`: a destination that is not known is passed over. */
  isOptional: boolean;
}

class Reader implements RtfHandler {
  readonly #body = new RtfBody();
  readonly #fonts = new Map<number, string>();
  readonly #groups: Group[] = [];
  #group: Group = { destination: 'body', font: undefined, fallback: 1, isOptional: false };
  #charset = 'windows-1252';
  /** Bytes that have not been decoded: a character may have two, as text or as codes. */
  #bytes = '';
  #toSkip = 0;
  #title = '';
  #style = { number: 0, name: '', level: 0 };

  openGroup(): void {
    this.#flush();
    if (this.#groups.push(this.#group) > DEEPEST)
      throw unreadable('The document is nested too deeply');
    const { destination } = this.#group;
    // Of two forms of one text the second, in Unicode, is read.
    const inner = destination === 'alternatives' ? 'nothing' : destination;
    this.#group = { ...this.#group, destination: inner, isOptional: false };
  }

  closeGroup(): void {
    this.#flush();
    const { destination } = this.#group;
    const outer = this.#groups.pop();
    if (!outer) return;
    if (destination === 'styles') this.#endStyle();
    if (destination === 'note' && outer.destination !== 'note') this.#body.endNote();
    this.#group = outer;
  }

  control(word: string, value: number | undefined): void {
    if (word === 'u') return this.#unicode(value ?? 0);
    this.#flush();
    if (word === 'optional') this.#group.isOptional = true;
    else if (!this.#enter(word)) this.#apply(word, value);
  }

  bytes(text: string): void {
    const skipped = Math.min(this.#toSkip, text.length);
    this.#toSkip -= skipped;
    this.#bytes += text.slice(skipped);
  }

  finish(): { text: string; title: string | undefined } {
    this.#flush();
    return { text: this.#body.toString(), title: this.#title.trim() || undefined };
  }

  /** @returns true when the word opens a destination */
  #enter(word: string): boolean {
    const group = this.#group;
    const destination = destinationOf(word, group);
    group.isOptional = false;
    if (destination === undefined) return false;
    if (destination === 'note' && group.destination !== 'note') this.#body.startNote();
    group.destination = destination;
    return true;
  }

  #apply(word: string, value: number | undefined): void {
    const group = this.#group;
    if (word === 'f') group.font = value;
    else if (word === 'uc') group.fallback = Math.max(0, value ?? 1);
    else if (word === 'ansicpg') this.#charset = charsetOfCodePage(value ?? 0);
    else if (word === 'mac') this.#charset = 'macintosh';
    else if (group.destination === 'fonts') this.#readFont(word, value);
    else if (group.destination === 'styles') this.#readStyle(word, value);
    else if (group.destination === 'body' || group.destination === 'note')
      this.#body.control(word, value);
  }

  #readFont(word: string, value = 0): void {
    const charset = word === 'fcharset' ? charsetOfFont(value) : undefined;
    if (charset !== undefined && this.#group.font !== undefined)
      this.#fonts.set(this.#group.font, charset);
  }

  #readStyle(word: string, value = 0): void {
    if (word === 's') this.#style = { number: value, name: '', level: 0 };
    if (word === 'outlinelevel' && value < 9) this.#style.level = value + 1;
  }

  #endStyle(): void {
    const { number, name, level } = this.#style;
    if (name === '') return;
    this.#body.levels.set(number, level || headingLevelOf(name.replace(/;.*$/s, '').trim()));
    this.#style = { number: 0, name: '', level: 0 };
  }

  #unicode(value: number): void {
    this.#flush();
    this.#tell(String.fromCharCode(value < 0 ? value + 65_536 : value));
    this.#toSkip = this.#group.fallback;
  }

  #flush(): void {
    const bytes = this.#bytes;
    this.#bytes = '';
    this.#toSkip = 0;
    if (bytes === '' || this.#group.destination === 'nothing') return;
    if (!/[\x80-\xff]/.test(bytes)) return this.#tell(bytes);
    const charset = this.#fonts.get(this.#group.font ?? -1) ?? this.#charset;
    const raw = Uint8Array.from(bytes, (byte) => byte.charCodeAt(0));
    this.#tell(new TextDecoder(charset).decode(raw));
  }

  #tell(text: string): void {
    const { destination } = this.#group;
    if (destination === 'body' || destination === 'note') this.#body.text(text);
    else if (destination === 'title') this.#title += text;
    else if (destination === 'styles') this.#style.name += text;
  }
}

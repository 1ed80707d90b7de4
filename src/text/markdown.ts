/**
 * The rules by which Markdown is drawn, the same in a browser and on a page without scripts: which
 * element each token of the parser is, where links may lead, and how a table is aligned.
 */
import * as smd from 'streaming-markdown';

/** Tags by the parser's tokens; what is not listed is drawn as text. */
export const TAGS: ReadonlyMap<smd.Token, string> = new Map([
  [smd.PARAGRAPH, 'p'],
  // The title of the conversation is the page's own h1.
  [smd.HEADING_1, 'h2'],
  [smd.HEADING_2, 'h3'],
  [smd.HEADING_3, 'h4'],
  [smd.HEADING_4, 'h5'],
  [smd.HEADING_5, 'h6'],
  [smd.HEADING_6, 'h6'],
  [smd.CODE_INLINE, 'code'],
  [smd.ITALIC_AST, 'em'],
  [smd.ITALIC_UND, 'em'],
  [smd.STRONG_AST, 'strong'],
  [smd.STRONG_UND, 'strong'],
  [smd.STRIKE, 's'],
  [smd.LINK, 'a'],
  [smd.RAW_URL, 'a'],
  [smd.IMAGE, 'a'],
  [smd.BLOCKQUOTE, 'blockquote'],
  [smd.LINE_BREAK, 'br'],
  [smd.RULE, 'hr'],
  [smd.LIST_UNORDERED, 'ul'],
  [smd.LIST_ORDERED, 'ol'],
  [smd.LIST_ITEM, 'li'],
  [smd.TABLE, 'table'],
  [smd.TABLE_ROW, 'tr'],
  // No formulas are drawn: they stay readable as they were written.
  [smd.EQUATION_BLOCK, 'code'],
  [smd.EQUATION_INLINE, 'code'],
]);

const SAFE_SCHEMES: ReadonlySet<string> = new Set(['http:', 'https:', 'mailto:']);

/**
 * Returns the address that a link leads to; undefined where it may not lead there.
 * @param base the address that others are relative to
 */
export function safeAddress(value: string, base: string): URL | undefined {
  if (!URL.canParse(value, base)) return undefined;
  const url = new URL(value, base);
  return SAFE_SCHEMES.has(url.protocol) ? url : undefined;
}

/** Returns the number of a footnote such as `^1`, which stands where a link has no address. */
export function noteIn(text: string): string | undefined {
  return /^\^(\S{1,20})$/u.exec(text)?.[1];
}

/** The side of a column's text; empty for the one where its language begins. */
export type Alignment = '' | 'center' | 'right';

/** Returns how columns are aligned by the line below a table's head, such as `| :-: | ---: |`. */
export function alignmentsOf(line: string): Alignment[] {
  return line
    .replace(/^\s*\|/u, '')
    .split('|')
    .map((dashes) => {
      const [, start, end] = /^\s*(:?)-+(:?)\s*$/u.exec(dashes) ?? [];
      return end ? (start ? 'center' : 'right') : '';
    });
}

/** A renderer of the parser's tokens. */
export interface Drawing {
  open(token: smd.Token): void;
  close(): void;
  text(text: string): void;
  attribute(kind: smd.Attr, value: string): void;
  /** Aligns the table that is open. */
  align(columns: readonly Alignment[]): void;
}

/** Something that draws the text that it is given. */
export interface Markdown {
  write(text: string): void;
  end(): void;
}

/** Makes something that reads Markdown as it comes, and lets it be drawn. */
export function readMarkdown(drawing: Drawing): Markdown {
  const parser = smd.parser({
    data: undefined,
    add_token: (_, token: smd.Token) => drawing.open(token),
    end_token: () => drawing.close(),
    add_text: (_, text: string) => drawing.text(text),
    set_attr: (_, kind: smd.Attr, value: string) => drawing.attribute(kind, value),
  });
  /** The parser tells nobody of the line below a table's head: it is looked at as it ends. */
  const endLine = () => {
    if (parser.token === smd.TABLE && parser.table_state === 1)
      drawing.align(alignmentsOf(parser.pending));
    smd.parser_write(parser, '\n');
  };
  return {
    write(text) {
      const [first = '', ...lines] = text.split('\n');
      smd.parser_write(parser, first);
      for (const line of lines) {
        endLine();
        smd.parser_write(parser, line);
      }
    },
    end: () => smd.parser_end(parser),
  };
}

/** Cuts SQL that arrives in pieces, such as a dump of a database, into its statements. */

/** Ends of what hides a semicolon: strings, quoted names and comments. */
const CLOSINGS: Readonly<Record<string, string>> = { "'": "'", '"': '"', '`': '`', '--': '\n' };
/** Matches what the search stops at. A doubled quote closes a string and opens the next at once. */
const MARK = /['"`;]|--/g;

/** Yields each statement without its semicolon. */
export async function* statementsOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let text = '';
  let from = 0;
  let closing: string | undefined;
  for await (const piece of pieces) {
    text += piece;
    for (;;) {
      const found = nextMark(text, from, closing);
      if (!found) break;
      from = found.end;
      if (closing !== undefined) closing = undefined;
      else if (found.mark !== ';') closing = CLOSINGS[found.mark];
      else if (isWhole(text, from - 1)) {
        yield text.slice(0, from - 1).trim();
        text = text.slice(from);
        from = 0;
      }
    }
    // A hyphen at the end of a piece may be the first half of a mark.
    from = Math.max(from, text.length - 1);
  }
  if (text.trim() !== '') yield text.trim();
}

const TRIGGER = /^\s*CREATE\s+TRIGGER\s/iu;
const END_OF_TRIGGER = /;\s*END\s*$/iu;

/** The statements of a trigger have semicolons of their own: it ends with an END behind one. */
function isWhole(text: string, end: number): boolean {
  return !TRIGGER.test(text) || END_OF_TRIGGER.test(text.slice(0, end));
}

function nextMark(text: string, from: number, closing: string | undefined) {
  if (closing !== undefined) {
    const at = text.indexOf(closing, from);
    return at < 0 ? undefined : { mark: closing, end: at + closing.length };
  }
  MARK.lastIndex = from;
  const match = MARK.exec(text);
  return match ? { mark: match[0], end: match.index + match[0].length } : undefined;
}

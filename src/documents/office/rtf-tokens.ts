/** Divides Rich Text Format into its tokens (Microsoft's RTF specification 1.9.1). */

export interface RtfHandler {
  openGroup(): void;
  closeGroup(): void;
  /** @param value of the control word; undefined when it has none */
  control(word: string, value: number | undefined): void;
  /** @param text of bytes, each as one character from 0 to 255 */
  bytes(text: string): void;
}

const CONTROL = /\\([a-zA-Z]{1,32})(-?\d{1,10})? ?/y;
const BYTE = /\\'([\da-fA-F]{2})/y;
const PLAIN = /[^\\{}\r\n]+/y;

/** Control symbols that stand for a control word. */
const SYMBOLS: Readonly<Record<string, string>> = { '*': 'optional', '\n': 'par', '\r': 'par' };
/** Control symbols that stand for text. */
const TEXTS: Readonly<Record<string, string>> = {
  ...{ '\\': '\\', '{': '{', '}': '}', '~': ' ', _: '-' },
};

/** Reads RTF and reports its tokens. @param source the bytes, each as one character */
export function readTokens(source: string, handler: RtfHandler): void {
  for (let at = 0; at < source.length;) at = readToken(source, at, handler);
}

/** @returns the place of the next token */
function readToken(source: string, at: number, handler: RtfHandler): number {
  const sign = source[at];
  if (sign === '\\') return readControl(source, at, handler);
  if (sign === '{') handler.openGroup();
  else if (sign === '}') handler.closeGroup();
  else if (sign !== '\r' && sign !== '\n') {
    const text = matchAt(PLAIN, source, at)?.[0] ?? '';
    handler.bytes(text);
    return at + text.length;
  }
  return at + 1;
}

function readControl(source: string, at: number, handler: RtfHandler): number {
  const byte = matchAt(BYTE, source, at);
  if (byte) {
    handler.bytes(String.fromCharCode(Number.parseInt(byte[1] ?? '', 16)));
    return at + 4;
  }
  const control = matchAt(CONTROL, source, at);
  if (control) {
    const [all, word = '', digits] = control;
    const value = digits === undefined ? undefined : Number(digits);
    // Raw bytes follow, which may look like anything.
    if (word === 'bin') return at + all.length + Math.max(0, value ?? 0);
    handler.control(word, value);
    return at + all.length;
  }
  const sign = source[at + 1] ?? '';
  if (SYMBOLS[sign] !== undefined) handler.control(SYMBOLS[sign], undefined);
  else if (TEXTS[sign] !== undefined) handler.bytes(TEXTS[sign]);
  return at + 2;
}

function matchAt(pattern: RegExp, source: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(source);
}

/** Keeps what users have said out of the log: a service's error may repeat what it was sent. */

/** UTF-16 units: shorter than this, words of an error are in any long text by chance. */
const SHORTEST = 12;
/** UTF-16 units of a whole text that is masked. */
const SHORTEST_WHOLE = 4;
/** UTF-16 units of the texts that are looked through, from their ends. */
const LONGEST_TEXTS = 200_000;
const WORD = /[\p{L}\p{N}]+/gu;

/**
 * Returns a line in which each row of words is masked that one of the texts has, too.
 * @param line one line, whose words are a space apart
 */
export function withoutTexts(line: string, texts: readonly string[]): string {
  const said = texts.join(' ').slice(-LONGEST_TEXTS).replace(/\s+/gu, ' ');
  if (said.length < SHORTEST_WHOLE) return line;
  const whole = new Set(texts.map((text) => text.trim()));
  const words = [...line.matchAll(WORD)].map(({ 0: { length }, index }) => [index, index + length]);
  let masked = '';
  let from = 0;
  for (let first = 0; first < words.length; first++) {
    const [start = 0] = words[first] ?? [];
    let [end, last] = [start, first];
    for (; last < words.length; last++) {
      const [, next = 0] = words[last] ?? [];
      if (!said.includes(line.slice(start, next))) break;
      end = next;
    }
    const row = line.slice(start, end);
    if (row.length < SHORTEST && !(row.length >= SHORTEST_WHOLE && whole.has(row))) continue;
    masked += `${line.slice(from, start)}***`;
    from = end;
    first = last - 1;
  }
  return masked + line.slice(from);
}

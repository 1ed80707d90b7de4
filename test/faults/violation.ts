/** A promise of the product that was not kept. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** @throws Violation unless the condition holds */
export function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Violation(what);
}

/** @throws Violation unless both are the same JSON */
export function mustEqual(got: unknown, wanted: unknown, what: string): void {
  const [left, right] = [JSON.stringify(got) ?? 'nothing', JSON.stringify(wanted) ?? 'nothing'];
  if (left === right) return;
  throw new Violation(`${what}: got ${shorten(left, right)} instead of ${shorten(right, left)}`);
}

/** The part of a long text where it begins to differ from another. */
function shorten(text: string, other: string): string {
  let same = 0;
  while (same < text.length && text[same] === other[same]) same += 1;
  const start = Math.max(0, same - 40);
  return `${start > 0 ? '…' : ''}${text.slice(start, start + 160)}${text.length > start + 160 ? '…' : ''}`;
}

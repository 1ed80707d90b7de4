/** Levels of headings, which office formats count from 1 to 9 or 10. */

/** The deepest level that Markdown has. */
export const DEEPEST_HEADING = 6;

/** Returns the level that a style's English name stands for; 0 for a style of no heading. */
export function headingLevelOf(name: string): number {
  const [, level, title] = /^(?:heading ([1-9])|(title))$/i.exec(name) ?? [];
  return title ? 1 : Number(level ?? 0);
}

/** Returns what Markdown writes before a heading. */
export function headingPrefix(level: number): string {
  return `${'#'.repeat(Math.min(level, DEEPEST_HEADING))} `;
}

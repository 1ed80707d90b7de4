/**
 * Remembers in this browser: names, drafts and choices, and nothing that is worth stealing.
 * Storage may be full or forbidden; the page works without it.
 */
export type Remembered = 'user' | 'draft' | 'queue' | 'steering' | 'model' | 'theme';

const nameOf = (what: Remembered) => `parley.${what}`;

/** Returns what is remembered; undefined for nothing. */
export function recall(what: Remembered): string | undefined {
  try {
    return localStorage.getItem(nameOf(what)) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Remembers a text, or forgets it where it is empty. @returns false where it does not fit */
export function remember(what: Remembered, text: string): boolean {
  try {
    if (text === '') localStorage.removeItem(nameOf(what));
    else localStorage.setItem(nameOf(what), text);
    return true;
  } catch {
    return false;
  }
}

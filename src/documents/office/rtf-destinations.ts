/** The destinations of Rich Text Format: what a group's text is for. */

export type Destination =
  | 'body'
  /** Notes, comments, headers and footers. */
  | 'note'
  | 'fonts'
  | 'styles'
  | 'title'
  /** A text in two forms, of which the second is read. */
  | 'alternatives'
  /** Pictures, objects, settings: whatever is no text. */
  | 'nothing';

const NAMED: ReadonlyMap<string, Destination> = new Map<string, Destination>([
  ...of('fonts', ['fonttbl']),
  ...of('styles', ['stylesheet']),
  ...of('alternatives', ['upr']),
  ...of('note', ['footnote', 'annotation', 'header', 'headerl', 'headerr', 'headerf']),
  ...of('note', ['footer', 'footerl', 'footerr', 'footerf']),
  ...of('body', ['shpinst', 'shptxt', 'fldrslt']),
  ...of('nothing', ['colortbl', 'info', 'pict', 'objdata', 'fldinst', 'shprslt', 'sp', 'pntext']),
  ...of('nothing', ['listtext', 'nonesttables', 'tc', 'xe', 'rxe', 'deleted', 'filetbl']),
  ...of('nothing', ['ftnsep', 'ftnsepc', 'ftncn', 'aftnsep', 'aftnsepc', 'aftncn', 'private']),
]);

function of(destination: Destination, words: string[]): [string, Destination][] {
  return words.map((word) => [word, destination]);
}

/**
 * Returns the destination that a control word opens in a group; undefined for any other word.
 * @param group its own destination, and whether it may be passed over
 */
export function destinationOf(
  word: string,
  { destination, isOptional }: { destination: Destination; isOptional: boolean },
): Destination | undefined {
  if (word === 'title' && destination === 'nothing') return 'title';
  if (word === 'ud') return 'body';
  if (destination === 'nothing' || destination === 'title') return undefined;
  const named = NAMED.get(word);
  // A text box within a note belongs to the note.
  if (named === 'body' && destination === 'note') return 'note';
  return named ?? (isOptional ? 'nothing' : undefined);
}

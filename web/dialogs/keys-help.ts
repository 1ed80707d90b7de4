/** The list of keys. */
import { make } from '../shared/elements.ts';
import { say, type Word } from '../shared/words.ts';
import { openDialog } from './dialog.ts';

const KEYS: [string[], Word][] = [
  [['Enter'], 'keySend'],
  [['Shift', 'Enter'], 'keyNewLine'],
  [['Ctrl', 'Enter'], 'keySteer'],
  [['Esc'], 'keyStop'],
  [['/'], 'keyWrite'],
  [['Alt', 'N'], 'keyNew'],
  [['Ctrl', 'K'], 'keySearch'],
  [['Alt', '↑'], 'keyBefore'],
  [['Alt', '↓'], 'keyAfter'],
  [['?'], 'keyHelp'],
];

/** Shows the keys. */
export function showKeys(): void {
  const entries = KEYS.flatMap(([keys, word]) => [
    make('dt', {}, ...keys.map((key) => make('kbd', {}, key))),
    make('dd', {}, say(word)),
  ]);
  openDialog(say('keys'), [make('dl', { class: 'keys' }, ...entries)]);
}

/** Reads what `wrangler dev` prints, and keeps what somebody who works on parley wants to see. */
import { stripVTControlCharacters } from 'node:util';
import type { LineFilter } from './programs.ts';

/** Lines about the set-up, which is the same each time. */
const SET_UP = [
  /^\[custom build\] Running:/u,
  /^Using (secrets|vars) defined in /u,
  /^Your Worker (and resources are|has access)/u,
  /^Binding\s+Resource/u,
  /^env\.\w+ /u,
  /^Attaching additional modules/u,
  /^\s*[┌├│└]/u,
  /^\[wrangler:info\]/u,
  /^\s*⎔ (Starting|Shutting)/u,
];
/**
 * The start of a warning or an error of several lines; lines of the Worker come in this form too.
 */
const HEADER = /^\s*[▲✘✖] \[(?:WARNING|ERROR)\] (.*)$/u;
/** Warnings that are known and ask for nothing. */
const EXPECTED = /^Scheduled Workers are not automatically triggered/u;
const CHANGED = /^The file (.*) changed, restarting build/u;
/** A line of the Worker's log, in either of its forms. */
const OF_THE_WORKER = /^(\{"time":|\d\d:\d\d:\d\d\.\d{3} (ERROR|WARN|INFO|DEBUG) )/u;

/** Creates the filter for one run of wrangler. */
export function createWranglerFilter(): LineFilter {
  let isDropping = false;
  return (raw) => {
    const line = stripVTControlCharacters(raw).trimEnd();
    const [, headline] = HEADER.exec(line) ?? [];
    if (headline !== undefined) {
      isDropping = EXPECTED.test(headline);
      if (isDropping) return undefined;
      return OF_THE_WORKER.test(headline) ? headline : line;
    }
    if (line === '' || (isDropping && line.startsWith(' '))) return undefined;
    isDropping = false;
    const [, file] = CHANGED.exec(line) ?? [];
    if (file !== undefined) return `${file} has changed; building again`;
    if (/⎔ Reloading local server/u.test(line)) return undefined;
    if (/⎔ Local server updated and ready/u.test(line)) return 'reloaded';
    return SET_UP.some((pattern) => pattern.test(line)) ? undefined : line;
  };
}

/**
 * The checks that are added to the PDF library, as code: it is built into a module of its own. A
 * file is known by its size, since nothing else of it is known where its streams are unpacked.
 */
export const CHECKS = `
/* Most bytes of one stream, and of all streams of a file with those that were outgrown. */
const MOST_UNPACKED = 32 * 1024 * 1024;
const MOST_UNPACKED_IN_ALL = 512 * 1024 * 1024;
/* Most objects of the pages of a file; a book of 2,000 pages has some millions. */
const MOST_WORK = 20_000_000;
/* What else counts like so many objects: a change of font or the like, a word that means nothing,
   a page or what is drawn like one, a field to be filled in. */
const ASIDE = 40;
const PASSED_OVER = 100;
const FORM = 1_000;
const FIELD = 500;
/* Operators between two pauses, which take some milliseconds. */
const UNTIL_PAUSE = 20_000;
/* Most characters of a string, of a name, and of the table of a font; most annotations of a page. */
const LONGEST = 1_000_000;
const MOST_MAPPED = 1_000_000;
const MOST_ANNOTATIONS = 5_000;

const grown = new Map();
const exceeding = new Set();
const anyFile = -1;
let sincePause = 0;

function fileOf(stream) {
  for (let at = stream; at; at = at.stream ?? at.streams?.[0])
    if (at.bytes && !at.stream) return at.bytes.buffer.byteLength;
  return anyFile;
}
function giveUp(stream) {
  exceeding.add(fileOf(stream));
  throw new Error('the file is more than can be read');
}
function checkLimit(stream, length) {
  if (length < 65536) return;
  const file = fileOf(stream);
  const all = (grown.get(file) ?? 0) + length;
  grown.set(file, all);
  if (length > MOST_UNPACKED || all > MOST_UNPACKED_IN_ALL) giveUp(stream);
}
function countWork(xref, work) {
  if (!xref) return;
  xref.workDone = (xref.workDone ?? 0) + work;
  if (xref.workDone > MOST_WORK) giveUp(xref.stream);
}
function needsPause() {
  return ++sincePause > UNTIL_PAUSE;
}
function pause(xref) {
  countWork(xref, ASIDE);
  sincePause += ASIDE;
  if (sincePause <= UNTIL_PAUSE) return undefined;
  sincePause = 0;
  return new Promise((done) => setTimeout(done, 0));
}
function countMapped(table, count) {
  table.mapped = (table.mapped ?? 0) + count;
  if (table.mapped > MOST_MAPPED) throw new Error('a table has more characters than there are');
}
function fewEnough(xref, annotations) {
  if (annotations.length > MOST_ANNOTATIONS) giveUp(xref.stream);
  return annotations;
}
export const streamLimit = {
  isExceeded: (file) => exceeding.has(file) || exceeding.has(anyFile),
  forget(file) {
    for (const one of [file, anyFile]) {
      grown.delete(one);
      exceeding.delete(one);
    }
  },
};
`;

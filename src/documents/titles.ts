/** Determines the title of a document. */
import { clean } from '../core/safe-text.ts';

/** Longest title that is taken from the document, in UTF-16 units. */
const LONGEST_TITLE = 200;
/** Length in which a Markdown heading is searched, in UTF-16 units. */
const HEAD = 10_000;

/** Titles that programs set: they name the program, or say that nobody chose a title. */
const NONE = [
  /^microsoft (?:office )?(?:word|powerpoint|excel|publisher|visio)\b/i,
  /^(?:no title|title|none|null|undefined|n\/?a|about:blank|\((?:null|none|anonymous|unspecified)\))$/i,
  /^(?:untitled|unnamed|unknown|ohne titel|unbenannt|kein titel|sans titre|sin título)[ _-]*\d*$/i,
  /^(?:sem título|senza titolo|naamloos|без имени|без названия|無題|无标题|無標題|제목 없음)[ _-]*\d*$/iu,
  /^(?:untitled|new|neues?|nouveau|nuevo|powerpoint|word|excel)?[ -]?(?:document|dokument|documento|page|presentation|präsentation|présentation|presentación|book|mappe|classeur|slide|folie|scan|doc)[ _-]?\(?\d{0,6}\)?$/iu,
];
/**
 * Matches invisible characters, except the two joiners, which change the shape of letters and
 * emoji.
 */
const INVISIBLE = /[^\P{Cf}\u200c\u200d]|\p{Cc}/gu;
const FILE_NAME =
  /\.(?:docx?|docm|dotx?|pptx?|xlsx?|od[tpsg]|rtf|pdf|indd|qxd|qxp|pmd|tex|dvi|html?|aspx?|php|txt|pages|key|numbers|ai|ps|eps|cdr|pub|vsdx?|dwg|fm|wpd|xps|md|csv)$/i;
const PATH = /^(?:[a-z]:\\|\\\\|file:|https?:\/\/|\/)\S*$/i;

/** Returns true for a title in the document that describes it. */
function isTitle(title: string): boolean {
  return (
    /[\p{L}\p{N}]/u.test(title) &&
    !NONE.some((none) => none.test(title)) &&
    !FILE_NAME.test(title) &&
    !PATH.test(title)
  );
}

/** Returns the document's own title, else its first heading, its file name or its first line. */
export function titleFor({
  own,
  fileName,
  text,
}: {
  own: string | undefined;
  fileName: string | undefined;
  text: string;
}): string {
  const given = tidy(own ?? '');
  const heading = /^ {0,3}#[ \t]+(.+)$/m.exec(text.slice(0, HEAD))?.[1];
  const name = fileName?.split(/[\\/]/).at(-1);
  const firstLine = /\S.*/.exec(text)?.[0];
  const title = isTitle(given) ? given : tidy(heading ?? name ?? firstLine ?? '');
  return shortened(title === '' ? 'Untitled' : title);
}

/** Returns the title as one line without invisible characters. */
function tidy(title: string): string {
  return clean(title).replace(/\s+/gu, ' ').replace(INVISIBLE, '').trim();
}

function shortened(title: string): string {
  if (title.length <= LONGEST_TITLE) return title;
  const cut = title.slice(0, LONGEST_TITLE - 1);
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), LONGEST_TITLE / 2)).toWellFormed()}…`;
}

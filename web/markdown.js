/**
 * Draws Markdown as it comes. The parser is incremental; this renderer makes elements and texts and
 * nothing else: no HTML is ever parsed, links have safe schemes, and pictures load on a click.
 */
import * as smd from 'streaming-markdown';

/** Tags by the parser's tokens; what is not listed is drawn as text. */
const TAGS = new Map([
  [smd.PARAGRAPH, 'p'],
  [smd.HEADING_1, 'h3'],
  [smd.HEADING_2, 'h4'],
  [smd.HEADING_3, 'h5'],
  [smd.HEADING_4, 'h6'],
  [smd.HEADING_5, 'h6'],
  [smd.HEADING_6, 'h6'],
  [smd.CODE_INLINE, 'code'],
  [smd.ITALIC_AST, 'em'],
  [smd.ITALIC_UND, 'em'],
  [smd.STRONG_AST, 'strong'],
  [smd.STRONG_UND, 'strong'],
  [smd.STRIKE, 's'],
  [smd.LINK, 'a'],
  [smd.RAW_URL, 'a'],
  [smd.IMAGE, 'a'],
  [smd.BLOCKQUOTE, 'blockquote'],
  [smd.LINE_BREAK, 'br'],
  [smd.RULE, 'hr'],
  [smd.LIST_UNORDERED, 'ul'],
  [smd.LIST_ORDERED, 'ol'],
  [smd.LIST_ITEM, 'li'],
  [smd.TABLE, 'table'],
  [smd.TABLE_ROW, 'tr'],
  [smd.TABLE_CELL, 'td'],
]);
const CODE = new Set([smd.CODE_BLOCK, smd.CODE_FENCE]);

const SAFE_SCHEMES = new Set(['http:', 'https:', 'mailto:']);

/** Returns something that draws the text it is given into an element. */
export function createMarkdown(target) {
  const parser = smd.parser({
    data: [target],
    add_token: (stack, token) => void stack.push(add(stack.at(-1), token)),
    end_token: (stack) => void stack.pop(),
    add_text: (stack, text) => stack.at(-1).append(text),
    set_attr: (stack, kind, value) => setAttribute(stack.at(-1), kind, value),
  });
  return {
    write: (text) => smd.parser_write(parser, text),
    end: () => smd.parser_end(parser),
  };
}

/** Adds an element for a token and returns where its content goes. */
function add(parent, token) {
  if (token === smd.CHECKBOX) {
    const box = Object.assign(document.createElement('input'), { type: 'checkbox' });
    box.disabled = true;
    parent.append(box);
    return box;
  }
  const isCode = CODE.has(token);
  const element = document.createElement(isCode ? 'pre' : (TAGS.get(token) ?? 'span'));
  parent.append(element);
  if (!isCode) return element;
  element.tabIndex = 0;
  const code = document.createElement('code');
  element.append(code);
  return code;
}

function setAttribute(element, kind, value) {
  if (kind === smd.HREF || kind === smd.SRC) return setAddress(element, kind, value);
  if (kind === smd.START && /^\d{1,9}$/u.test(value)) element.setAttribute('start', value);
  if (kind === smd.CHECKED) element.checked = true;
}

/** A picture is a link to it: loading it at once would tell its server that it was seen. */
function setAddress(element, kind, value) {
  if (!URL.canParse(value, location.origin)) return;
  const url = new URL(value, location.origin);
  if (!SAFE_SCHEMES.has(url.protocol)) return;
  element.href = url.href;
  element.target = '_blank';
  element.rel = 'noopener noreferrer';
  if (kind === smd.SRC) element.prepend('🖼 ');
}

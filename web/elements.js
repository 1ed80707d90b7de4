/** Makes and finds elements. Texts are texts: nothing here parses HTML. */

/** Returns the element of the page with this id. */
export function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * Makes an element.
 * @param {string} tag
 * @param {Record<string, unknown>} [properties] set on the element; `class` and `aria-…` by name
 * @param {(Node | string)[]} children
 */
export function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'class' || name.startsWith('aria-')) made.setAttribute(name, String(value));
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** Makes a button that does something. */
export function button(label, onclick, properties = {}) {
  return make('button', { type: 'button', onclick, ...properties }, label);
}

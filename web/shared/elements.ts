/** Makes and finds elements. Texts are texts: nothing here parses HTML. */
import { drawIcon, type IconName } from './icons.ts';

/** The properties of an element, and attributes by their names. */
type Properties<Tag extends keyof HTMLElementTagNameMap> = Omit<
  Partial<HTMLElementTagNameMap[Tag]>,
  'style' | 'dataset'
> & { [attribute: `aria-${string}` | `data-${string}`]: string } & {
  class?: string;
  role?: string;
};

type Child = Node | string;

/** Returns the element of the page with this id. @throws Error where the page has none */
export function element<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  // The page is ours: who asks for an element knows its kind.
  return found as Kind;
}

/**
 * Returns true while a dialog is open. A dialog is the last of the page: to look for one would go
 * through all messages.
 */
export function hasDialog(): boolean {
  return document.body.lastElementChild instanceof HTMLDialogElement;
}

/** Makes an element with properties and children. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  // TypeScript does not see that no property has to be given.
  properties: Properties<Tag> = {} as Properties<Tag>,
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    // What is an attribute by its name has a text by its type.
    if (/^(?:class|role)$|^(?:aria|data)-/u.test(name)) made.setAttribute(name, value as string);
    else Reflect.set(made, name, value);
  }
  made.append(...children);
  return made;
}

/** Makes a button that does something and says what. */
export function button(
  label: string,
  onclick: (event: MouseEvent) => void,
  properties: Properties<'button'> = {},
): HTMLButtonElement {
  return make('button', { type: 'button', onclick, ...properties }, label);
}

/** Makes a button with a picture; its label is told, and shown when it is pointed at. */
export function iconButton(
  icon: IconName,
  label: string,
  onclick: (event: MouseEvent) => void,
  properties: Properties<'button'> = {},
): HTMLButtonElement {
  const made = button('', onclick, {
    class: 'icon',
    title: label,
    'aria-label': label,
    ...properties,
  });
  made.append(drawIcon(icon));
  return made;
}

/** The settings: usage and limits, keys, the reader's data, and how the page looks. */
import { callPage, send } from '../api/client.ts';
import { attempt } from '../shared/attempt.ts';
import { button, make } from '../shared/elements.ts';
import { remember } from '../shared/storage.ts';
import { say, type Word } from '../shared/words.ts';
import { openDialog } from './dialog.ts';
import { drawData } from './data.ts';
import { drawKeys } from './keys.ts';
import { drawLook } from './look.ts';
import { drawUsage } from './usage.ts';

interface Section {
  name: Word;
  draw: () => Promise<Node[]>;
  isOf?: () => boolean;
}

const hasIdentity = () => document.documentElement.dataset['identity'] === 'true';

const SECTIONS: Section[] = [
  { name: 'usage', draw: drawUsage },
  { name: 'permissions', draw: drawPermissions },
  { name: 'apiKeys', draw: drawKeys, isOf: hasIdentity },
  { name: 'myData', draw: drawData },
  { name: 'look', draw: () => Promise.resolve(drawLook()) },
];

/** Shows the settings. */
export function showSettings(): Promise<void> {
  const sections = SECTIONS.filter(({ isOf }) => isOf?.() ?? true);
  const panel = make('div', { class: 'panel', role: 'tabpanel', tabIndex: 0 });
  const tabs = sections.map((section) =>
    button(say(section.name), () => void choose(section), {
      role: 'tab',
      'aria-selected': 'false',
    }),
  );
  const bar = make(
    'div',
    { class: 'tabs', role: 'tablist', 'aria-label': say('settings') },
    ...tabs,
  );
  bar.addEventListener('keydown', (event) => onArrow(event, tabs));
  let choices = 0;
  const choose = async (section: Section) => {
    const choice = ++choices;
    for (const [at, tab] of tabs.entries()) {
      const isChosen = sections[at] === section;
      tab.setAttribute('aria-selected', String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
    }
    panel.setAttribute('aria-label', say(section.name));
    panel.replaceChildren(make('p', { class: 'hint' }, say('loading')));
    const content = await attempt(section.draw);
    if (choice === choices)
      panel.replaceChildren(...(content ?? [make('p', { class: 'hint' }, say('notLoaded'))]));
  };
  openDialog(say('settings'), [bar, panel, ...(hasIdentity() ? [drawSignOut()] : [])], 'wide');
  const [first] = sections;
  return first ? choose(first) : Promise.resolve();
}

function onArrow(event: KeyboardEvent, tabs: HTMLButtonElement[]): void {
  const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
  const at = tabs.findIndex((tab) => tab === document.activeElement);
  if (step === 0 || at < 0) return;
  const next = tabs.at((at + step) % tabs.length);
  next?.focus();
  next?.click();
}

function drawSignOut(): HTMLElement {
  const signOut = async () => {
    await send('/session', { method: 'DELETE' });
    for (const what of ['draft', 'queue', 'steering'] as const) remember(what, '');
    location.reload();
  };
  return make(
    'footer',
    {},
    button(say('signOut'), () => void attempt(signOut)),
  );
}

async function drawPermissions(): Promise<Node[]> {
  const { items } = await callPage<{ tool: string }>('/tool-permissions');
  if (items.length === 0) return [make('p', {}, say('noPermissions'))];
  const rows = items.map(({ tool }) => {
    const revoke = async () => {
      await send(`/tool-permissions/${encodeURIComponent(tool)}`, { method: 'DELETE' });
      row.remove();
    };
    const row = make(
      'li',
      {},
      make('span', { class: 'name' }, tool),
      button(say('askAgain'), () => void attempt(revoke)),
    );
    return row;
  });
  return [make('p', {}, say('permissionsWhy')), make('ul', { class: 'list' }, ...rows)];
}

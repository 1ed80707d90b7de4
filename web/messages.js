/** Draws messages: those that are stored, and the answer that grows. */
import { button, make } from './elements.js';
import { createMarkdown } from './markdown.js';

/** What the page says of an answer that is not whole. */
const STATES = {
  truncated: 'The answer reached its limit.',
  filtered: 'The rest of the answer was filtered.',
  cancelled: 'Stopped.',
  interrupted: 'The answer was interrupted.',
  failed: 'The answer failed.',
};

/**
 * Draws a stored message.
 * @param {any} message as the API shows it
 * @param {Record<'regenerate' | 'edit' | 'remove' | 'switchTo', Function>} actions
 */
export function drawMessage(message, actions) {
  const answer = message.role === 'assistant';
  const text = make('div', { class: 'text' });
  const item = make('li', { class: answer ? 'assistant' : 'user', tabIndex: -1 });
  item.dataset.id = message.id;
  item.dir = 'auto';
  if (!answer) text.append(message.content);
  else {
    for (const part of message.parts ?? []) item.append(...drawPart(part));
    const markdown = createMarkdown(text);
    markdown.write(message.content);
    markdown.end();
  }
  item.append(text);
  if (message.sources?.length) item.append(drawSources(message.sources));
  const state = message.refused
    ? 'The model’s service refused this message.'
    : STATES[message.status];
  if (state) item.append(make('p', { class: 'state' }, state));
  item.append(drawTools(message, actions));
  return item;
}

function drawTools(message, { regenerate, edit, remove, switchTo }) {
  const { index, count } = message.siblings;
  const tools = make('div', { class: 'tools' });
  if (count > 1)
    tools.append(
      button('‹', () => switchTo(message, -1), {
        'aria-label': 'Version before',
        disabled: index === 1,
      }),
      `${index}/${count}`,
      button('›', () => switchTo(message, 1), {
        'aria-label': 'Next version',
        disabled: index === count,
      }),
    );
  if (message.role === 'user') tools.append(button('Edit', () => edit(message)));
  else
    tools.append(
      button('Answer again', () => regenerate(message)),
      button('Copy', ({ target }) => copy(target, message.content)),
    );
  tools.append(button('Delete', () => remove(message)));
  return tools;
}

async function copy(target, text) {
  await navigator.clipboard.writeText(text);
  target.textContent = 'Copied';
}

function drawPart(part) {
  if (part.type === 'reasoning') return [fold('Thoughts', part.text)];
  if (part.type === 'tool_call') return [fold(`Call of ${part.name}`, json(part.input))];
  if (part.type === 'tool_result') return [fold('Result', json(part.output))];
  return [];
}

function json(value) {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}

function fold(title, text) {
  return make(
    'details',
    { class: 'aside-part' },
    make('summary', {}, title),
    make('pre', {}, text),
  );
}

/** Each source opens to the passage that it stands for. */
function drawSources(sources) {
  const items = sources.map(({ n, title, snippet }) =>
    make(
      'details',
      {},
      make('summary', {}, `[${n}] ${title ?? 'Document'}`),
      make('p', {}, snippet),
    ),
  );
  return make('div', { class: 'aside-part', 'aria-label': 'Sources' }, ...items);
}

/** Makes the answer that grows; it takes the events of its turn. */
export function growingAnswer() {
  const text = make('div', { class: 'text' });
  const before = make('div');
  const item = make('li', { class: 'assistant', 'aria-busy': 'true' }, before, text);
  item.dir = 'auto';
  const markdown = createMarkdown(text);
  let thoughts;
  return {
    item,
    event(type, data) {
      if (type === 'message.delta') markdown.write(data.text);
      if (type === 'sources') before.append(drawSources(data.sources));
      if (type === 'tool.call') before.append(...drawPart({ type: 'tool_call', ...data }));
      if (type === 'tool.result') before.append(...drawPart({ type: 'tool_result', ...data }));
      if (type !== 'reasoning.delta') return;
      if (!thoughts) before.append((thoughts = fold('Thoughts', '')));
      thoughts.lastChild.append(data.text);
    },
  };
}

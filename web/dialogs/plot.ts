/** Draws a value for each day as columns. */
import { make } from '../shared/elements.ts';
import { formatDay } from '../shared/format.ts';
import { say } from '../shared/words.ts';

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 100;
/** The width of a day's column, and of the space after it. */
const COLUMN = 8;
const STEP = 10;

interface Day {
  day: string;
  value: number;
}

/** Draws a plot. Screen readers are told its highest and its last value. */
export function drawPlot(
  title: string,
  days: readonly Day[],
  format: (value: number) => string,
): HTMLElement {
  const most = days.reduce((one, other) => (other.value > one.value ? other : one), {
    day: '',
    value: 0,
  });
  const highest = say('highest', {
    value: format(most.value),
    day: most.day && formatDay(most.day),
  });
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${days.length * STEP} ${HEIGHT}`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', `${title}. ${highest}`);
  svg.append(...days.map((day, at) => drawDay(day, { at, most: most.value, format })));
  const [first, last] = [days[0], days.at(-1)];
  const axis = make(
    'p',
    { class: 'axis' },
    ...[first, last].map((end) => make('span', {}, end ? formatDay(end.day) : '')),
  );
  return make(
    'figure',
    { class: 'plot' },
    make('figcaption', {}, make('strong', {}, title), make('span', { class: 'hint' }, highest)),
    svg,
    axis,
  );
}

function drawDay(
  { day, value }: Day,
  { at, most, format }: { at: number; most: number; format: (value: number) => string },
): SVGElement {
  const height = most > 0 ? Math.max(value > 0 ? 2 : 0, (value / most) * HEIGHT) : 0;
  const column = document.createElementNS(SVG, 'rect');
  const shape = { x: at * STEP, y: HEIGHT - height, width: COLUMN, height };
  for (const [name, size] of Object.entries(shape)) column.setAttribute(name, String(size));
  const label = document.createElementNS(SVG, 'title');
  label.textContent = `${formatDay(day)}: ${format(value)}`;
  column.append(label);
  return column;
}

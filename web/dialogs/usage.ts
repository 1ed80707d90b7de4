/** Shows what the reader has used, by day and by model, and what is left of the budget. */
import { call } from '../api/client.ts';
import { make } from '../shared/elements.ts';
import { formatMoney, formatNumber, formatIn } from '../shared/format.ts';
import { say, type Word } from '../shared/words.ts';
import { drawPlot } from './plot.ts';

interface Sum {
  day?: string;
  model?: string;
  turns: number;
  input_tokens: number;
  output_tokens: number;
  cost_usd: number;
}

interface Report {
  items: Sum[];
  total: Sum;
}

interface Limit {
  name: string;
  /** The owner: it counts what the user does, or what is done by the key of this session. */
  of: 'user' | 'key';
  limit: number;
  used: number;
  reserved: number;
  remaining: number;
  resets_in?: number;
}

const LIMITS: Readonly<Record<string, Word>> = {
  requests_per_minute: 'limitRequests',
  turns_at_once: 'limitTurns',
  streams: 'limitStreams',
  tokens_per_day: 'limitDay',
  tokens_per_month: 'limitMonth',
  cost_per_month: 'limitCost',
};

/** Draws the usage of the last month. */
export async function drawUsage(): Promise<Node[]> {
  const [days, models, { limits }] = await Promise.all([
    call<Report>('/usage?group_by=day'),
    call<Report>('/usage?group_by=model'),
    call<{ limits: Limit[] }>('/limits'),
  ]);
  if (days.total.turns === 0) return [...limits.map(drawLimit), make('p', {}, say('nothingUsed'))];
  const tokens = ({ input_tokens: input, output_tokens: output }: Sum) => input + output;
  return [
    ...limits.map(drawLimit),
    drawTotal(days.total),
    drawPlot(say('tokensByDay'), lastDays(days.items, tokens), formatNumber),
    ...(days.total.cost_usd > 0
      ? [
          drawPlot(
            say('costByDay'),
            lastDays(days.items, ({ cost_usd: cost }) => cost),
            formatMoney,
          ),
        ]
      : []),
    drawModels(models.items),
  ];
}

/** Returns a value for each of the last thirty days, also for those without use. */
function lastDays(items: readonly Sum[], valueOf: (sum: Sum) => number) {
  const byDay = new Map(items.map((sum) => [sum.day, valueOf(sum)]));
  return Array.from({ length: 30 }, (_, at) => {
    const day = new Date(Date.now() - (29 - at) * 86_400_000).toISOString().slice(0, 10);
    return { day, value: byDay.get(day) ?? 0 };
  });
}

function drawTotal({
  turns,
  input_tokens: input,
  output_tokens: output,
  cost_usd: cost,
}: Sum): HTMLElement {
  const facts = [
    [say('turns'), formatNumber(turns)],
    [say('inputTokens'), formatNumber(input)],
    [say('outputTokens'), formatNumber(output)],
    [say('cost'), formatMoney(cost)],
  ];
  return make(
    'dl',
    { class: 'facts' },
    ...facts.map(([name = '', value = '']) =>
      make('div', {}, make('dt', {}, name), make('dd', {}, value)),
    ),
  );
}

function drawModels(items: readonly Sum[]): HTMLElement {
  const head = [say('model'), say('turns'), say('inputTokens'), say('outputTokens'), say('cost')];
  const rows = items.map((sum) =>
    make(
      'tr',
      {},
      make('th', { scope: 'row' }, sum.model ?? ''),
      ...[sum.turns, sum.input_tokens, sum.output_tokens].map((value) =>
        make('td', {}, formatNumber(value)),
      ),
      make('td', {}, formatMoney(sum.cost_usd)),
    ),
  );
  return make(
    'div',
    { class: 'table', tabIndex: 0, role: 'region', 'aria-label': say('byModel') },
    make(
      'table',
      {},
      make('thead', {}, make('tr', {}, ...head.map((name) => make('th', { scope: 'col' }, name)))),
      make('tbody', {}, ...rows),
    ),
  );
}

/** A limit as a bar: what is used, and what running turns have reserved. */
function drawLimit({
  name,
  of,
  limit,
  used,
  reserved,
  remaining,
  resets_in: reset,
}: Limit): HTMLElement {
  const format = name === 'cost_per_month' ? formatMoney : formatNumber;
  const bar = make('meter', { min: 0, max: limit, high: limit * 0.8, value: used + reserved });
  const title = say(LIMITS[name] ?? 'limit');
  const shown = of === 'key' ? say('ofThisKey', { limit: title }) : title;
  const label = make('label', {}, make('span', {}, shown), bar);
  const left = say('left', { left: format(remaining), limit: format(limit) });
  const again = reset === undefined ? '' : ` ${say('resetsIn', { time: formatIn(reset) })}`;
  return make('div', { class: 'limit' }, label, make('p', { class: 'hint' }, left + again));
}

/** Shows what models have used, as JSON and as CSV. */
import { NANODOLLARS, type UsageGroup, type UsageSum } from '../core/ledger.ts';

/** The name of the field that holds the key of a group. */
const KEY_FIELDS: Record<UsageGroup, string> = {
  day: 'day',
  model: 'model',
  conversation: 'conversation_id',
  key: 'key_id',
};

/** Returns the view of all sums, and of their total. */
export function usageReport(sums: readonly UsageSum[], groupBy: UsageGroup) {
  return {
    items: sums.map((sum) => ({ [KEY_FIELDS[groupBy]]: sum.group, ...countsView(sum) })),
    total: countsView(totalOf(sums)),
  };
}

/** Returns the sums as CSV (RFC 4180) with a line of names; without a total, which programs add. */
export function usageCsv(sums: readonly UsageSum[], groupBy: UsageGroup): string {
  const names = [KEY_FIELDS[groupBy], ...Object.keys(countsView(totalOf([])))];
  const lines = sums.map((sum) => [sum.group, ...Object.values(countsView(sum))].map(cell));
  return [names, ...lines].map((line) => `${line.join(',')}\r\n`).join('');
}

type Counts = Omit<UsageSum, 'group'>;

function countsView(sum: Counts) {
  return {
    turns: sum.turns,
    calls: sum.calls,
    input_tokens: sum.inputTokens,
    output_tokens: sum.outputTokens,
    cached_tokens: sum.cachedTokens,
    reasoning_tokens: sum.reasoningTokens,
    cost_usd: sum.nanodollars / NANODOLLARS,
    estimated: sum.estimatedCalls > 0,
    unpriced_calls: sum.unpricedCalls,
  };
}

const NOTHING: Counts = {
  ...{ turns: 0, calls: 0, inputTokens: 0, outputTokens: 0, cachedTokens: 0 },
  ...{ reasoningTokens: 0, nanodollars: 0, estimatedCalls: 0, unpricedCalls: 0 },
};

/** A turn whose calls are in several groups counts once in each, and so does the total. */
function totalOf(sums: readonly Counts[]): Counts {
  const total = { ...NOTHING };
  const names = Object.keys(NOTHING) as (keyof Counts)[];
  for (const sum of sums) for (const name of names) total[name] += sum[name];
  return total;
}

/** Quotes a cell where needed; one that a spreadsheet would take for a formula gets a quote. */
function cell(value: string | number | boolean | null): string {
  const text = value === null ? '' : String(value);
  const harmless = typeof value === 'string' && /^[=+\-@\t\r]/u.test(text) ? `'${text}` : text;
  return /[",\r\n]/u.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

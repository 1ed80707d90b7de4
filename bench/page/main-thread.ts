/** Measures a page's main thread by Chromium's timeline: in time of the CPU, not of a clock. */
import type { Browser, CDPSession, Page } from 'playwright-core';

export interface MainThread {
  /** CPU milliseconds of all tasks. */
  cpuMs: number;
  /** CPU milliseconds of the longest task. */
  longestMs: number;
  /** CPU milliseconds of style and layout. */
  layoutMs: number;
  /** CPU milliseconds of scripts. */
  scriptMs: number;
}

const METRICS = {
  cpuMs: ['TaskDuration'],
  scriptMs: ['ScriptDuration'],
  layoutMs: ['LayoutDuration', 'RecalcStyleDuration'],
};

interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  /** Microseconds by the clock: the beginning and the length. */
  ts: number;
  dur?: number;
  /** Microseconds of the thread's CPU. */
  tdur?: number;
  args: {
    name?: string;
    data?: { startTime?: number };
    chrome_mojo_event_info?: { mojo_interface_tag?: string };
  };
}

/** Measures what the main thread of a page does meanwhile. */
export async function measureMainThread(
  browser: Browser,
  page: Page,
  work: () => Promise<unknown>,
): Promise<MainThread> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  // Of all that can be traced the tasks alone: tracing more costs more than what is measured.
  await browser.startTracing(page, { categories: ['toplevel'] });
  const before = await readMetrics(session);
  await work();
  const after = await readMetrics(session);
  const trace = (await browser.stopTracing()).toString();
  await session.detach();
  const grown = (names: string[]) =>
    names.reduce((sum, name) => sum + (after.get(name) ?? 0) - (before.get(name) ?? 0), 0) * 1_000;
  return {
    cpuMs: grown(METRICS.cpuMs),
    scriptMs: grown(METRICS.scriptMs),
    layoutMs: grown(METRICS.layoutMs),
    longestMs: longestTask(trace),
  };
}

async function readMetrics(session: CDPSession): Promise<Map<string, number>> {
  const { metrics } = await session.send('Performance.getMetrics');
  return new Map(metrics.map(({ name, value }) => [name, value]));
}

/** The events of the renderer that has worked most: the others are of pages that rest. */
function eventsOf(trace: string): TraceEvent[] {
  // Chromium's own form.
  const { traceEvents: events } = JSON.parse(trace) as { traceEvents: TraceEvent[] };
  const threads = events
    .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
    .map(({ pid, tid }) => events.filter((one) => one.pid === pid && one.tid === tid))
    .toSorted((one, other) => other.length - one.length);
  return threads[0] ?? [];
}

/** The tasks of the page. Those in which it is looked at from outside are not the page's own. */
function tasksOf(events: readonly TraceEvent[]): TraceEvent[] {
  const looks = events.filter(
    ({ args }) => args.chrome_mojo_event_info?.mojo_interface_tag === 'blink.mojom.DevToolsSession',
  );
  return events.filter(
    (task) =>
      task.name === 'ThreadControllerImpl::RunTask' &&
      !looks.some(({ ts }) => ts >= task.ts && ts <= task.ts + (task.dur ?? 0)),
  );
}

function longestTask(trace: string): number {
  return Math.max(0, ...tasksOf(eventsOf(trace)).map(({ tdur = 0 }) => tdur / 1000));
}

export interface Interactions {
  /** Milliseconds by the clock, in steps of 8; at least 16. */
  clockMs: number;
  /** Milliseconds of CPU that the main thread worked meanwhile. */
  cpuMs: number;
}

/**
 * Measures how long interactions take until the next paint, as INP has it: of fifty interactions
 * the longest is left out.
 */
export async function measureInteractions(
  browser: Browser,
  page: Page,
  interact: () => Promise<unknown>,
): Promise<Interactions> {
  await browser.startTracing(page, { categories: ['toplevel', 'blink.user_timing'] });
  await page.evaluate(`
    performance.mark('origin');
    globalThis.interactions = [];
    new PerformanceObserver((list) => {
      for (const { interactionId: id, startTime: from, duration } of list.getEntries())
        if (id) interactions.push({ id, from, duration });
    }).observe({ type: 'event', durationThreshold: 16 })`);
  await interact();
  const seen = await page.evaluate<{ id: number; from: number; duration: number }[]>(
    'new Promise((done) => setTimeout(() => done(interactions), 100))',
  );
  const events = eventsOf((await browser.stopTracing()).toString());
  const mark = events.find(({ name }) => name === 'origin');
  const origin = (mark?.ts ?? 0) - (mark?.args.data?.startTime ?? 0) * 1_000;
  const tasks = tasksOf(events);
  const cpu = seen.map(({ from, duration }) =>
    cpuBetween(tasks, origin + from * 1_000, origin + (from + duration) * 1_000),
  );
  return {
    clockMs: longestOf(seen, (at) => seen[at]?.duration ?? 0) || 16,
    cpuMs: longestOf(seen, (at) => cpu[at] ?? 0),
  };
}

/** Milliseconds of CPU of the tasks between two times; of those that reach beyond, a part. */
function cpuBetween(tasks: readonly TraceEvent[], from: number, to: number): number {
  return tasks.reduce((sum, { ts, dur = 0, tdur = 0 }) => {
    const within = Math.min(ts + dur, to) - Math.max(ts, from);
    return within <= 0 || dur === 0 ? sum : sum + (tdur * within) / dur / 1_000;
  }, 0);
}

/** An interaction has several events: the longest of them counts. */
function longestOf(seen: readonly { id: number }[], valueOf: (at: number) => number): number {
  const byId = new Map<number, number>();
  for (const [at, { id }] of seen.entries()) byId.set(id, Math.max(valueOf(at), byId.get(id) ?? 0));
  const longest = [...byId.values()].toSorted((one, other) => other - one);
  return longest[Math.floor(longest.length / 50)] ?? 0;
}

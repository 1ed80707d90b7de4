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
  /** Microseconds of the thread's CPU. */
  tdur?: number;
  args: { name?: string };
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

/** The longest task of the renderer that has worked most: the others are of pages that rest. */
function longestTask(trace: string): number {
  // Chromium's own form.
  const { traceEvents: events } = JSON.parse(trace) as { traceEvents: TraceEvent[] };
  const tasks = events
    .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
    .map(({ pid, tid }) =>
      events.filter(
        (one) => one.pid === pid && one.tid === tid && one.name === 'ThreadControllerImpl::RunTask',
      ),
    )
    .toSorted((one, other) => other.length - one.length);
  return Math.max(0, ...(tasks[0] ?? []).map(cpuOf));
}

function cpuOf({ tdur = 0 }: TraceEvent): number {
  return tdur / 1000;
}

/** Starts to note how long interactions take until the next paint. */
export async function watchInteractions(page: Page): Promise<void> {
  await page.evaluate(`
    globalThis.interactions = new Map();
    new PerformanceObserver((list) => {
      for (const { interactionId: id, duration } of list.getEntries())
        if (id) interactions.set(id, Math.max(duration, interactions.get(id) ?? 0));
    }).observe({ type: 'event', durationThreshold: 16 })`);
}

/**
 * Returns the milliseconds from an interaction to the next paint, as INP has it: of fifty
 * interactions the longest is left out. By the clock, in steps of 8; at least 16.
 */
export async function interactionToNextPaint(page: Page, count: number): Promise<number> {
  const times = await page.evaluate<number[]>('[...interactions.values()]');
  const longest = times.toSorted((one, other) => other - one);
  return longest[Math.floor(count / 50)] ?? 16;
}

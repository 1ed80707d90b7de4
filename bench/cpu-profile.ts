/**
 * Summarises a V8 CPU profile (the DevTools `Profiler.Profile`): how the time of a period was
 * spent.
 */

type Frame = { functionName: string; url: string; lineNumber: number };
export type CpuProfile = {
  nodes: { id: number; callFrame: Frame; children?: number[] }[];
  /** µs of the process's monotonic clock. */
  startTime: number;
  samples: number[];
  /** µs since the previous sample. */
  timeDeltas: number[];
};

export type Share = { name: string; share: number };
export type Breakdown = {
  /** Busy time in ms, and the length of the period in ms. */
  busyMs: number;
  wallMs: number;
  /**
   * Shares of the busy time, largest first: by function alone, by package or file, and by function
   * with all that it calls.
   */
  bySelf: Share[];
  byModule: Share[];
  byTotal: Share[];
};

/** V8's names for time outside of JavaScript functions. */
const IDLE = '(idle)';

/** Returns the breakdown of the profile between two times in ms of the monotonic clock. */
export function breakDown(profile: CpuProfile, fromMs: number, toMs: number): Breakdown {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const selfTimes = timeByNode(profile, fromMs * 1000, toMs * 1000);
  const [self, modules, total] = [
    new Map<string, number>(),
    new Map<string, number>(),
    new Map<string, number>(),
  ];
  let busy = 0;
  for (const [id, time] of selfTimes) {
    const frame = frames.get(id);
    if (!frame || frame.functionName === IDLE) continue;
    busy += time;
    add(self, nameOf(frame), time);
    add(modules, moduleOf(frame), time);
    for (const name of namesOnStack(id, frames, parents)) add(total, name, time);
  }
  const shares = (times: Map<string, number>): Share[] =>
    [...times]
      .map(([name, time]) => ({ name, share: time / busy }))
      .toSorted((a, b) => b.share - a.share);
  const [bySelf, byModule, byTotal] = [shares(self), shares(modules), shares(total)];
  return { busyMs: busy / 1000, wallMs: toMs - fromMs, bySelf, byModule, byTotal };
}

function timeByNode(profile: CpuProfile, from: number, to: number): Map<number, number> {
  const times = new Map<number, number>();
  let at = profile.startTime;
  profile.samples.forEach((id, index) => {
    // A sample counts until the next one.
    at += profile.timeDeltas[index] ?? 0;
    const time = profile.timeDeltas[index + 1] ?? 0;
    if (at >= from && at < to) times.set(id, (times.get(id) ?? 0) + time);
  });
  return times;
}

function namesOnStack(
  id: number,
  frames: Map<number, Frame>,
  parents: Map<number, number>,
): Set<string> {
  const names = new Set<string>();
  for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
    const frame = frames.get(at);
    if (frame && frame.functionName !== '(root)') names.add(nameOf(frame));
  }
  return names;
}

function nameOf(frame: Frame): string {
  const place = frame.url ? ` ${shortUrl(frame.url)}:${frame.lineNumber + 1}` : '';
  return `${frame.functionName || '(anonymous)'}${place}`;
}

/** Returns the package, the folder of ours, or the Node module that a function belongs to. */
function moduleOf(frame: Frame): string {
  if (!frame.url) return frame.functionName.startsWith('(') ? frame.functionName : '(native)';
  const url = shortUrl(frame.url);
  const inPackage = /^(@[^/]+\/[^/]+|[^/]+)/.exec(url.replace(/^.*node_modules\//, ''))?.[1];
  if (frame.url.includes('/node_modules/') && inPackage) return inPackage;
  if (url.startsWith('node:')) return url.split('/').slice(0, 3).join('/');
  return url.split('/').slice(0, 3).join('/');
}

function shortUrl(url: string): string {
  const root = new URL('..', import.meta.url).href;
  return url
    .replace(root, '')
    .replace(/^.*node_modules\//, 'node_modules/')
    .replace('node_modules/', '');
}

function add(times: Map<string, number>, name: string, time: number): void {
  times.set(name, (times.get(name) ?? 0) + time);
}

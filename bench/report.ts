/** Prints the tables. They only contain what was measured; `–` marks what was not. */
import type { Bundle, BundleFile } from './bundle.ts';
import type { Figures } from './figures.ts';
import type { Options } from './options.ts';

type Column = { title: string; value: (server: string) => string };

type Run = { figures: Figures; options: Options; bundle: Bundle | undefined };

/** Prints the run's tables as Markdown on standard output. */
export function printReport({ figures, options, bundle }: Run): void {
  const tables = tablesOf(figures, options.rounds);
  for (const [title, columns] of Object.entries(tables)) {
    console.log(table(title, columns, options.servers));
  }
  if (bundle) console.log(bundleTable(bundle));
}

function tablesOf(figures: Figures, rounds: number): Record<string, Column[]> {
  const ratio = (title: string, figure: string): Column => ({
    title,
    value: (server) => fixed(figures.ratio(server, figure, 'floor'), 2),
  });
  const plain = (title: string, figure: string, digits: number, scale = 1): Column => ({
    title,
    value: (server) => fixed(scaled(figures.median(server, figure), scale), digits),
  });
  const added = (title: string, figure: string): Column => ({
    title,
    value: (server) =>
      fixed(server === 'floor' ? undefined : figures.added(server, figure, 'floor'), 2),
  });
  return {
    [`CPU as a ratio to the floor, medians of ${rounds} round${rounds > 1 ? 's' : ''}`]: [
      ratio('S1 ×', 's1Cpu'),
      plain('S1 µs a token', 's1Cpu', 1, 2),
      ratio('S1 in blocks ×', 's1BlocksCpu'),
      ratio('S2 ×', 's2Cpu'),
      ratio('S3 ×', 's3Cpu'),
      ratio('S4 ×', 's4Cpu'),
      plain('CPU ms per 500-token turn', 's1Cpu', 1),
      { title: 'of which', value: (server) => byProgram(figures, server) },
    ],
    '2,000 followers of a turn, and replay of one: CPU as a ratio to a shared buffer': [
      ratio('join ×', 'joinCpu'),
      plain('join µs', 'joinCpu', 0, 1000),
      ratio('a delta ×', 'deltaCpu'),
      plain('a delta µs', 'deltaCpu', 1, 1000),
      plain('deltas a follower', 'followerDeltas', 1),
      plain('KB a follower', 'followerKb', 0),
      ratio('replay ×', 'replayCpu'),
      plain('replay µs', 'replayCpu', 0, 1000),
      plain('bytes a replay', 'replayBytes', 0),
    ],
    'Time (ms; turn time as a ratio to the ideal) and memory': [
      plain('S2 turn / ideal', 's2Turn', 2),
      plain('S3 turn / ideal', 's3Turn', 2),
      plain('S3 KB a stream', 's3KbPerStream', 0),
      plain('start-up', 'startMs', 0),
      plain('start-up CPU', 'startCpu', 0),
    ],
    'First token: ms added to the floor, p50 and p99': [
      added('calm p50', 'calmFirst50'),
      added('calm p99', 'calmFirst99'),
      added('… until the model is asked', 'calmBeforeModel'),
      added('… from the model to the client', 'calmAfterModel'),
      added('S2 p50', 's2First50'),
      added('S2 p99', 's2First99'),
      added('S3 p50', 's3First50'),
      added('S3 p99', 's3First99'),
      plain('calm, database 20 ms away, in all p50', 'farFirst50', 1),
      plain('… p99', 'farFirst99', 1),
    ],
    'Bytes, and requests to the database': [
      plain('bytes per 500 tokens at once', 's1Bytes', 0),
      plain('… one by one', 'pacedBytes', 0),
      plain('requests before the model', 'requestsBefore', 1),
      plain('… a turn in all', 'requestsAll', 1),
      plain('new conversation: before', 'newBefore', 1),
      plain('… in all', 'newAll', 1),
      plain('second message of a history: before', 'historyBefore', 1),
      plain('… in all', 'historyAll', 1),
      plain('rag turn: before', 'ragBefore', 1),
      plain('… in all', 'ragAll', 1),
      plain('10,000 messages / 20: CPU', 'longCpuRatio', 2),
      plain('… turn time', 'longTimeRatio', 2),
    ],
  };
}

function byProgram(figures: Figures, server: string): string {
  const prefix = 's1Cpu of ';
  const parts = figures
    .names(server, prefix)
    .filter((figure) => (figures.median(server, figure) ?? 0) >= 0.05)
    .map((figure) => `${figure.slice(prefix.length)} ${fixed(figures.median(server, figure), 1)}`);
  return parts.join(', ') || '–';
}

function bundleTable({ files, startUpMs }: Bundle): string {
  const kib = (bytes: number): string => (bytes / 1024).toFixed(1);
  const sum = (wanted: BundleFile[]): number =>
    wanted.reduce((total, { gzipBytes }) => total + gzipBytes, 0);
  const rows = files.map(({ name, bytes, gzipBytes, isLazy }) =>
    [isLazy ? `${name} (lazy)` : name, kib(bytes), kib(gzipBytes)].join(' | '),
  );
  const total = ['without what is lazy', '', kib(sum(files.filter(({ isLazy }) => !isLazy)))].join(
    ' | ',
  );
  const lines = [' | KiB minified | KiB gzip', '--- | --- | ---', ...rows, total];
  return `\n**Worker bundle**, active for ${startUpMs.toFixed(0)} ms at its start\n\n${lines.map((line) => `| ${line} |`).join('\n')}`;
}

function table(title: string, columns: Column[], servers: readonly string[]): string {
  const rows = servers.map((server) => [server, ...columns.map((column) => column.value(server))]);
  const head = ['', ...columns.map((column) => column.title)];
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return `\n**${title}**\n\n${lines.join('\n')}`;
}

function fixed(value: number | undefined, digits: number): string {
  return value === undefined ? '–' : value.toFixed(digits);
}

function scaled(value: number | undefined, scale: number): number | undefined {
  return value === undefined ? undefined : value * scale;
}

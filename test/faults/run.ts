/**
 * The fault suite: breaks what can break, in loops, and checks each time that no promise was.
 *
 *     npm run test:faults -- [--runtime node|workerd] [--only name,name] [--quick] [--seed n]
 *       [--url https://…]
 */
import { parseArgs } from 'node:util';
import type { Runtime } from '../support/server.ts';
import { runCase, type FaultCase, type Result } from './case.ts';
import { cases } from './cases.ts';

const { values } = parseArgs({
  options: {
    runtime: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    seed: { type: 'string' },
    url: { type: 'string' },
  },
});

const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
const wanted = values.only?.split(',');
const results: Result[] = [];
console.log(`seed ${seed}`);
for (const runtime of runtimesOf(values.runtime)) {
  for (const faultCase of cases.filter((one) => isWanted(one, runtime))) {
    const onViolation = (what: string) => console.log(`    ${faultCase.name}: ${what}`);
    const options = { runtime, quick: values.quick, seed, onViolation };
    const result = await runCase(faultCase, values.url ? { ...options, url: values.url } : options);
    results.push(result);
    console.log(line(result));
  }
}
console.log(`\n${table(results)}`);
process.exit(results.some((result) => result.violations.length > 0) ? 1 : 0);

function runtimesOf(name: string | undefined): Runtime[] {
  if (values.url !== undefined) return ['node'];
  if (name === undefined) return ['node', 'workerd'];
  if (name === 'node' || name === 'workerd') return [name];
  throw new Error('--runtime is node or workerd');
}

function isWanted({ name, runtimes, remote, fullOnly }: FaultCase, runtime: Runtime): boolean {
  if (wanted && !wanted.includes(name)) return false;
  if (values.url !== undefined) return remote === true;
  return runtimes.includes(runtime) && !(values.quick && fullOnly === true);
}

function line({ name, runtime, rounds, violations, seconds }: Result): string {
  return `${name} on ${runtime}: ${rounds} rounds, ${violations.length} violations, ${seconds.toFixed(0)} s`;
}

function table(all: Result[]): string {
  const head = ['case', 'runtime', 'rounds', 'violations', 'seconds'];
  const rows = all.map((result) => [
    result.name,
    result.runtime,
    String(result.rounds),
    String(result.violations.length),
    result.seconds.toFixed(0),
  ]);
  const widths = head.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  const write = (row: string[]) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ');
  return [head, ...rows].map(write).join('\n');
}

/** Parses the command line of the benchmark. */
import { parseArgs } from 'node:util';
import { SERVER_NAMES, type ServerName } from './servers.ts';

export const SCENARIO_NAMES = [
  's3',
  's1',
  's2',
  's4',
  'followers',
  'replay',
  'calm',
  'bytes',
  'database',
  'long',
  'bundle',
] as const;
export type ScenarioName = (typeof SCENARIO_NAMES)[number];

export type Options = {
  /** One round, shorter scenarios, no `parley-sqld` under load, no long conversation. */
  quick: boolean;
  rounds: number;
  /** In the order in which they run. */
  scenarios: ScenarioName[];
  /** True when the user named the scenarios; then no slow one is left out. */
  explicit: boolean;
  servers: ServerName[];
};

const USAGE = `npm run bench -- [--quick] [--rounds n] [--only ${SCENARIO_NAMES.join(',')}] [--servers ${SERVER_NAMES.join(',')}]`;

/**
 * Reads the arguments. An unknown one ends the process with the usage. The floor is always among
 * the servers.
 */
export function readOptions(): Options {
  try {
    const options = {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      only: { type: 'string' },
      servers: { type: 'string' },
    } as const;
    const { values } = parseArgs({ options });
    const rounds = values.rounds === undefined ? (values.quick ? 1 : 3) : Number(values.rounds);
    if (!(rounds >= 1)) throw new Error('--rounds takes a number');
    const scenarios = choose(values.only, SCENARIO_NAMES);
    const servers = choose(values.servers && `floor,${values.servers}`, SERVER_NAMES);
    return { quick: values.quick, rounds, scenarios, explicit: values.only !== undefined, servers };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(2);
  }
}

function choose<T extends string>(list: string | undefined, known: readonly T[]): T[] {
  if (list === undefined) return [...known];
  const wanted = list.split(',').map((name) => name.trim());
  const unknown = wanted.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) throw new Error(`unknown: ${unknown}`);
  return known.filter((name) => wanted.includes(name));
}

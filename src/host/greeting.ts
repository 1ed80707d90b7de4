/** Tells of a server that has started: its address, model, database and who may call. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isLoopback, type Config } from '../config.ts';
import { OFFLINE_MODEL } from '../models/chat/catalog.ts';

interface Greeting {
  address: string;
  /** The name of the model for requests that name none. */
  model: string;
  /** Where the data are. */
  data: string;
  config: Config;
}

/** Returns what people want to know of a server that has started. */
export function factsOf({ address, model, data, config }: Greeting): Record<string, string> {
  return {
    page: `${address}/`,
    docs: `${address}/docs`,
    model: `${model} (${reasonFor(model, config)})`,
    data,
    callers: callersOf(config),
  };
}

/** Prints the facts for people, each in a line. */
export function printFacts(facts: Readonly<Record<string, string>>): void {
  for (const [name, fact] of Object.entries(facts)) console.log(`  ${name.padEnd(8)} ${fact}`);
}

function reasonFor(model: string, { DEFAULT_MODEL }: Config): string {
  if (DEFAULT_MODEL !== undefined) return 'by DEFAULT_MODEL';
  if (model !== OFFLINE_MODEL) return 'the best that has a key';
  const keys = 'GROQ_API_KEY, OPENAI_API_KEY, GOOGLE_GENERATIVE_AI_API_KEY';
  return `no key; set ${keys} or OPENAI_BASE_URL`;
}

/** Returns the path of a file, or the address of a server without its secret parts. */
export function placeOf(databaseUrl: string): string {
  if (databaseUrl.startsWith('file://')) return fileURLToPath(databaseUrl);
  if (databaseUrl.startsWith('file:')) return resolve(databaseUrl.slice('file:'.length));
  const { protocol, host } = new URL(databaseUrl);
  return `${protocol}//${host}`;
}

function callersOf({ HOST, AUTH }: Config): string {
  if (AUTH?.length) return `who has a credential (AUTH=${AUTH.join()})`;
  return isLoopback(HOST)
    ? 'anybody on this machine (AUTH=none)'
    : `anybody who can reach ${HOST} (AUTH=none)`;
}

/**
 * Prints the lines of `npm start` when the server is ready: its address, model, database and who
 * may call.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isLoopback, type Config } from '../../config.ts';
import type { Logger } from '../../core/logger.ts';
import { OFFLINE_MODEL } from '../../models/chat/catalog.ts';
import { DEFAULT_DATABASE_URL } from './database/open.ts';
import { formatOf } from './log.ts';

interface Greeting {
  address: string;
  /** The name of the model for requests that name none. */
  model: string;
  config: Config;
}

/**
 * Prints the address in a line of its own, which programs look for; the rest is for people or the
 * log.
 */
export function greet({ address, model, config }: Greeting, log: Logger): void {
  console.log(`listening on ${address}`);
  const facts = {
    page: `${address}/`,
    docs: `${address}/docs`,
    model: `${model} (${reasonFor(model, config)})`,
    data: placeOf(config.DATABASE_URL ?? DEFAULT_DATABASE_URL),
    callers: callersOf(config),
  };
  if (formatOf(config) === 'json') log.info('ready', facts);
  else for (const [name, fact] of Object.entries(facts)) console.log(`  ${name.padEnd(8)} ${fact}`);
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
  const ways: string = AUTH ?? 'none';
  if (ways !== 'none') return `who has a credential (AUTH=${ways})`;
  return isLoopback(HOST)
    ? 'anybody on this machine (AUTH=none)'
    : `anybody who can reach ${HOST} (AUTH=none)`;
}

/** Tells of a server that has started: its address, model, database and who may call. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config.ts';
import { isLoopback } from '../core/loopback.ts';
import { hasTenants, urlOfTenant } from '../core/tenant.ts';
import { OFFLINE_MODEL } from '../models/chat/catalog.ts';

interface Greeting {
  address: string;
  /** The name of the model for requests that name none. */
  model: string;
  /** The place of the data. */
  data: string;
  config: Config;
  /** False where nothing can serve the chat. */
  hasChat?: boolean;
}

/** Returns what people want to know of a server that has started. */
export function factsOf({
  address,
  model,
  data,
  config,
  hasChat = true,
}: Greeting): Record<string, string> {
  return {
    page: hasChat ? `${address}/` : NO_CHAT,
    docs: `${address}/docs`,
    model: modelOf(model, config),
    data,
    callers: callersOf(config),
  };
}

const NO_CHAT = 'not built; run npm ci, npm run assets, then npm ci --omit=dev again';

/** Prints the facts for people, each in a line. */
export function printFacts(facts: Readonly<Record<string, string>>): void {
  for (const [name, fact] of Object.entries(facts)) console.log(`  ${name.padEnd(8)} ${fact}`);
}

function modelOf(model: string, { DEFAULT_MODEL, OPENAI_BASE_URL }: Config): string {
  if (DEFAULT_MODEL !== undefined) return `${model} (by DEFAULT_MODEL)`;
  if (model === OFFLINE_MODEL) return `${model} (no key; set ${KEYS} or OPENAI_BASE_URL)`;
  // What that server has is not known yet.
  if (OPENAI_BASE_URL !== undefined && model.startsWith('openai/'))
    return `the largest that ${OPENAI_BASE_URL} has; /models lists them, DEFAULT_MODEL names one`;
  return `${model} (the best that has a key)`;
}

const KEYS = 'GROQ_API_KEY, OPENAI_API_KEY, GOOGLE_GENERATIVE_AI_API_KEY';

/** Returns the path of a file, or the address of a server without its secret parts. */
export function placeOf(databaseUrl: string): string {
  if (databaseUrl.startsWith('file://')) return fileURLToPath(databaseUrl);
  if (databaseUrl.startsWith('file:')) return resolve(databaseUrl.slice('file:'.length));
  const isShared = !hasTenants(databaseUrl);
  const { protocol, host } = new URL(isShared ? databaseUrl : urlOfTenant(databaseUrl, 'tenant'));
  return isShared ? `${protocol}//${host}` : `${protocol}//${host}, one for each tenant`;
}

function callersOf({ HOST, AUTH }: Config): string {
  if (AUTH?.length) return `who has a credential (AUTH=${AUTH.join()})`;
  return isLoopback(HOST)
    ? 'anybody on this machine (AUTH=none)'
    : `anybody who can reach ${HOST} (AUTH=none)`;
}

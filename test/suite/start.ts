/**
 * What a suite runs against: one model service and one server of a runtime, for all of its files.
 */
import type { TestProject } from 'vitest/node';
import { startServer, type Runtime } from '../support/server.ts';
import { startUpstream } from '../support/upstream.ts';

export interface SuiteAddresses {
  runtime: Runtime;
  url: string;
  upstreamUrl: string;
  databaseUrl: string;
  /** The key that the server calls the model services with: it must never be seen outside. */
  key: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    suite: SuiteAddresses;
  }
}

/** Round prices, so that tests can compute a cost: Groq has none. */
const MODEL_PRICES = JSON.stringify([
  { model: 'openai/*', from: '2025-01-01', input: 2, cached_input: 1, output: 10 },
  { model: 'offline/*', from: '2025-01-01', input: 0, output: 0 },
]);

/** Starts both, tells the tests where they are, and returns what stops them. */
export async function startSuite(
  project: TestProject,
  runtime: Runtime,
): Promise<() => Promise<void>> {
  const upstream = await startUpstream();
  // Whoever runs the suite may turn the fast path off: everything holds without it, too.
  const { MODEL_FAST_PATH = 'on' } = process.env;
  const server = await startServer({
    runtime,
    env: {
      ...upstream.env,
      DEFAULT_MODEL: 'openai/default',
      KEEP_ALIVE_MS: '500',
      MODEL_FAST_PATH,
      MODEL_PRICES,
    },
    startLimitMs: 120_000,
  });
  const { url, databaseUrl } = server;
  project.provide('suite', {
    runtime,
    url,
    upstreamUrl: upstream.url,
    databaseUrl,
    key: upstream.key,
  });
  return async () => {
    if (!server.isRunning()) console.error(`the ${runtime} server has ended:\n${server.logs()}`);
    await server.close();
    await upstream.close();
  };
}

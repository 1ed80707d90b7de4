/**
 * The tests: `unit` and `unit-alone` run in the test process alone, `host` starts and stops the
 * programs, `node` and `workerd` are the same black-box suite against the two runtimes, `browser`
 * is the page in a real browser, `faults` breaks things for real. `slow` is run by itself:
 * `npm run test:slow`.
 */
import { defineConfig } from 'vitest/config';

/** One for each core of a small machine: the servers under test need some, too. */
const MAX_WORKERS = 2;

/** Milliseconds in which a condition has to come true. A busy machine takes longer than one. */
const CONDITION_MS = 30_000;

/**
 * Tests of what happens in a browser, where the runtime that sent the files makes no difference:
 * Node alone is enough. `page.test.ts` is run on both.
 */
const SAME_IN_THE_BROWSER = ['page-*', 'example-pages'].map((name) => `test/suite/${name}.test.ts`);

/**
 * Unit tests that need modules which no other test has used: one sees queries being built, which
 * happens once, the other loads a library that leaves something behind.
 */
const NEEDS_NEW_MODULES = ['store/query-plans', 'documents/extract'].map(
  (name) => `test/unit/${name}.test.ts`,
);

/** Black-box tests against one runtime; its server is started once for all files. */
function suite(runtime: 'node' | 'workerd', files: { include: string[]; exclude?: string[] }) {
  return {
    extends: true as const,
    test: {
      name: runtime,
      ...files,
      globalSetup: [`test/suite/start-${runtime}.ts`],
      testTimeout: 60_000,
      hookTimeout: 60_000,
      expect: { poll: { timeout: CONDITION_MS } },
    },
  };
}

const everywhere = { include: ['test/suite/**/*.test.ts'], exclude: SAME_IN_THE_BROWSER };
const browser = suite('node', { include: SAME_IN_THE_BROWSER });

export default defineConfig({
  test: {
    maxWorkers: MAX_WORKERS,
    // Workerd takes a minute to start on a busy machine.
    teardownTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/support/**/*.test.ts'],
          exclude: NEEDS_NEW_MODULES,
          testTimeout: 20_000,
          // The files of a worker share their modules: loading those took half of the time.
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: 'unit-alone', include: NEEDS_NEW_MODULES, testTimeout: 20_000 },
      },
      {
        extends: true,
        test: {
          name: 'host',
          include: ['test/host/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: { poll: { timeout: CONDITION_MS } },
        },
      },
      suite('node', everywhere),
      suite('workerd', everywhere),
      { ...browser, test: { ...browser.test, name: 'browser' } },
      {
        extends: true,
        test: {
          name: 'slow',
          include: ['test/slow/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: { poll: { timeout: CONDITION_MS } },
        },
      },
      {
        extends: true,
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});

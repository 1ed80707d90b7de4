import type { TestProject } from 'vitest/node';
import { startSuite } from './start.ts';

/** Vitest's global setup of the project `node`. */
export function setup(project: TestProject): Promise<() => Promise<void>> {
  return startSuite(project, 'node');
}

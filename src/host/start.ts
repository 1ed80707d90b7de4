import { ConfigError } from '../config.ts';
import { ParleyError } from '../chat/errors.ts';

/** Runs a program's main part; what stops its start is told in one clear line. */
export async function orExit(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    const expected = error instanceof ConfigError || error instanceof ParleyError;
    console.error(expected ? `parley: ${describe(error)}` : error);
    process.exitCode = 1;
    process.exit();
  }
}

function describe(error: Error): string {
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

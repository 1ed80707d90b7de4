import { environmentNames, type Config } from '../../config.ts';
import { formatOf } from '../node/log.ts';

/** Returns the environment of the Worker: ours, with what is known only now. */
export function variablesOf(config: Config, known: Record<string, string>): Record<string, string> {
  const given = environmentNames.flatMap((name) => {
    const value = process.env[name];
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(given),
    HOST: config.HOST,
    AUTH: config.AUTH?.join() || 'none',
    LOG_FORMAT: formatOf(config),
    ...(config.MODEL_PRICES === undefined ? {} : { MODEL_PRICES: oneLine(config.MODEL_PRICES) }),
    ...known,
  };
}

/** Returns JSON in one line, as a variable in a file has to be. */
function oneLine(json: string): string {
  return JSON.stringify(JSON.parse(json));
}

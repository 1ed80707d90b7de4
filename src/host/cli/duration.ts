import { ConfigError } from '../../config.ts';

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Returns the milliseconds of a duration such as `90d`, `12h` or `30m`.
 * @throws ConfigError for anything else
 */
export function durationOf(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const milliseconds = Number(digits) * (UNITS[unit] ?? 0);
  if (milliseconds === 0)
    throw new ConfigError(`--expires ${text} is no duration such as 90d, 12h or 30m`);
  return milliseconds;
}

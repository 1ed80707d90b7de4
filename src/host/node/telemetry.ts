/** Telemetry on Node: its packages are loaded only where the operator wants it. */
import type { Config } from '../../config.ts';
import type { Logger } from '../../core/logger.ts';
import type { Telemetry } from '../../core/telemetry.ts';
import { about } from '../../routes/shared/version.ts';
import { telemetrySettings } from '../telemetry/settings.ts';

/** Returns telemetry; undefined where nothing is told. */
export async function telemetryOf(config: Config, log: Logger): Promise<Telemetry | undefined> {
  const settings = telemetrySettings(config);
  if (!settings) return undefined;
  const { createTelemetry } = await import('../telemetry/open-telemetry.ts');
  return createTelemetry({ settings, log, version: about.version, sendsWhenAsked: false });
}

/** Telemetry on Workers: once for each isolate, loaded before its first request is served. */
import type { Telemetry } from '../../core/telemetry.ts';
import { networkBy } from '../../models/http.ts';
import { about } from '../../routes/shared/version.ts';
import { telemetrySettings } from '../telemetry/settings.ts';
import { loadTelemetry } from './libraries.ts';
import { settle, type WorkerEnv } from './services.ts';

let loading: Promise<void> | undefined;

/**
 * Sees that telemetry is there when the operator wants it.
 * @returns undefined when there is nothing to wait for
 */
export function telemetryReady(env: WorkerEnv): Promise<void> | undefined {
  const settled = settle(env);
  const settings = settled.telemetry ? undefined : telemetrySettings(settled.config);
  if (!settings) return undefined;
  loading ??= loadTelemetry().then(({ createTelemetry }) => {
    const { version } = about;
    const network = networkBy(fetch);
    const options = { settings, version, log: settled.log, network, sendsWhenAsked: true };
    settled.telemetry = createTelemetry(options) satisfies Telemetry;
  });
  return loading;
}

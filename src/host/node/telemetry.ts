/** Telemetry on Node: its packages are loaded only where the operator wants it. */
import type { Config } from '../../config.ts';
import type { Logger } from '../../core/logger.ts';
import type { Telemetry } from '../../core/telemetry.ts';
import { about } from '../../routes/shared/version.ts';
import { telemetrySettings } from '../telemetry/settings.ts';
import { httpFetchOf } from './http-client/http-client.ts';

interface Watching {
  /** Undefined where nothing is told. */
  telemetry?: Telemetry;
  /** Returns the measures as Prometheus reads them; undefined where it may not ask. */
  readMetrics?: () => Promise<string>;
}

/** Returns what tells those who watch, as far as the operator wants it. */
export async function watchingOf(config: Config, log: Logger): Promise<Watching> {
  const isAsked = config.METRICS === 'on';
  const settings = telemetrySettings(config, isAsked);
  if (!settings) return {};
  const { createTelemetry } = await import('../telemetry/open-telemetry.ts');
  const network = httpFetchOf(config);
  const options = { settings, log, network, version: about.version, sendsWhenAsked: false };
  const telemetry = createTelemetry(options);
  if (!isAsked) return { telemetry };
  const { PrometheusSerializer } = await import('@opentelemetry/exporter-prometheus');
  const serializer = new PrometheusSerializer();
  const readMetrics = () => Promise.resolve(serializer.serialize(telemetry.read()));
  return { telemetry, readMetrics };
}

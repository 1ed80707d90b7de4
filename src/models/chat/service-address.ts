/** The addresses of models' services, as those who watch are told of them. */
import type { Attributes } from '../../core/telemetry.ts';
import type { ProviderName } from './catalog.ts';

/** The addresses that providers ask unless the operator says otherwise. */
const DEFAULTS: Partial<Record<ProviderName, string>> = {
  groq: 'https://api.groq.com',
  openai: 'https://api.openai.com',
  google: 'https://generativelanguage.googleapis.com',
};

const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/**
 * Returns `server.address` and `server.port` of a provider's service; nothing for the offline
 * models, which are here.
 * @param baseURL the address that the operator has set
 */
export function serviceAddress(provider: ProviderName, baseURL?: string): Attributes {
  const url = baseURL ?? DEFAULTS[provider];
  if (url === undefined || !URL.canParse(url)) return {};
  const { hostname, port, protocol } = new URL(url);
  return { 'server.address': hostname, 'server.port': Number(port) || PORTS[protocol] };
}

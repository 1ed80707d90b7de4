/**
 * Parses the environment, once and by one schema, whose settings are in `config/`. Nothing else
 * reads it.
 */
import { z } from 'zod';
import { identitySettings } from './config/identity.ts';
import { modelSettings } from './config/models.ts';
import { serverSettings } from './config/server.ts';
import { telemetrySettings } from './config/telemetry.ts';

const environmentSchema = z.object({
  ...serverSettings,
  ...modelSettings,
  ...identitySettings,
  ...telemetrySettings,
});

/** The settings; `AUTH` is the ways of establishing identity, empty for `none`. */
export type Config = z.infer<typeof environmentSchema>;

/** The names of all variables, for passing them on to a child process. */
export const environmentNames = Object.keys(environmentSchema.shape);

/** An error that stops the start; its message is one clear line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Returns the configuration that `environment` describes; an empty value counts as left out.
 * @throws ConfigError with one line that names every malformed variable
 */
export function parseConfig(environment: Record<string, unknown>): Config {
  const given = Object.fromEntries(
    environmentNames
      .map((name) => [name, environment[name]])
      .filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = environmentSchema.safeParse(given);
  if (parsed.success) return withTokenSettings(parsed.data);
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigError(`invalid environment: ${problems.join('; ')}`);
}

/** Checks that what `AUTH=jwt` needs is there. */
function withTokenSettings(config: Config): Config {
  const { AUTH, JWT_SECRET, JWT_JWKS_URL, JWT_ISSUER, JWT_AUDIENCE } = config;
  if (!AUTH?.includes('jwt')) return config;
  if (JWT_SECRET === undefined && JWT_JWKS_URL === undefined)
    throw new ConfigError('invalid environment: AUTH=jwt needs JWT_SECRET or JWT_JWKS_URL');
  if (JWT_JWKS_URL !== undefined && (JWT_ISSUER === undefined || JWT_AUDIENCE === undefined))
    throw new ConfigError(
      'invalid environment: JWT_JWKS_URL needs JWT_ISSUER and JWT_AUDIENCE, since the keys behind' +
        ' it sign tokens for others too',
    );
  return config;
}

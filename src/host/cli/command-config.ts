/** Reads the settings of a command, which works on one database. */
import { ConfigError, parseConfig, type Config } from '../../config.ts';
import { hasTenants, isTenant, urlOfTenant } from '../../core/tenant.ts';
import { loadEnvFile } from '../env-file.ts';

const OPTION = '--tenant=';

/**
 * Returns the settings, with the address of the database of the tenant that `--tenant=NAME` says
 * where each has one.
 * @throws ConfigError when a tenant is missing, or named without need
 */
export function commandConfig(): Config {
  loadEnvFile();
  return configOfTenant(parseConfig(process.env), tenantArgument());
}

/** Returns the tenant that the command line names. */
export function tenantArgument(): string | undefined {
  return process.argv.find((argument) => argument.startsWith(OPTION))?.slice(OPTION.length);
}

/**
 * Returns the settings with the address of a tenant's database.
 * @throws ConfigError when a tenant is missing, or named without need
 */
export function configOfTenant(config: Config, tenant: string | undefined): Config {
  const { DATABASE_URL: url = '' } = config;
  if (hasTenants(url) !== (tenant !== undefined))
    throw new ConfigError(
      tenant === undefined
        ? 'DATABASE_URL has {tenant}: say whose database is meant by --tenant=NAME'
        : 'DATABASE_URL has no {tenant}, so there are no tenants to name',
    );
  if (tenant === undefined) return config;
  if (!isTenant(tenant))
    throw new ConfigError('a tenant’s name has a-z, 0-9 and dashes within, 48 characters at most');
  return { ...config, DATABASE_URL: urlOfTenant(url, tenant) };
}

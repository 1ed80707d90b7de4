/** Parses the environment, once and by one schema. Nothing else reads it. */
import { z } from 'zod';
import { FILE_KINDS } from './core/file.ts';
import { LOG_FORMATS, LOG_LEVELS } from './core/logger.ts';
import type { McpServer } from './core/mcp-server.ts';
import { TOOL_NAMES } from './core/tool-names.ts';

/**
 * Accepts digits only. JavaScript would also read blanks, hexadecimal and exponents as numbers, but
 * in a variable these are typing errors.
 */
const wholeNumber = (least: number, most: number) =>
  z.coerce
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(least).max(most));
const milliseconds = (fallback: number, least = 1) =>
  wholeNumber(least, 86_400_000).default(fallback);
const count = (fallback: number) => wholeNumber(1, 100_000).default(fallback);
const url = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ''));
const key = z.string().min(1);

/** A variable that holds JSON of this form. */
const jsonOf = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: 'custom', message: 'must be JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);

/** By names of models: the kinds of files that they take. */
const fileKinds = jsonOf(z.record(z.string(), z.array(z.enum(FILE_KINDS))));

/** A server that has tools; its name begins theirs, with two underscores between. */
const mcpServer = z.strictObject({
  name: z
    .string()
    .regex(/^(?!.*__)[A-Za-z0-9_-]{1,32}$/, 'must be letters, digits, hyphens and underscores'),
  url: z.url({ protocol: /^https?$/ }),
  headers: z.record(z.string(), z.string()).optional(),
  approval: z.union([z.enum(['always', 'never']), z.array(z.string().min(1))]).optional(),
  timeout_ms: z.int().min(1).max(300_000).optional(),
}) satisfies z.ZodType<McpServer>;

const mcpServers = jsonOf(
  z.array(mcpServer).refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
    error: 'must differ in name',
  }),
);

/** The samplers of OpenTelemetry. */
const SAMPLERS = [
  ...['always_on', 'always_off', 'traceidratio'],
  ...['parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'],
] as const;

/** `name=value,other=value`, the values percent-encoded, as OpenTelemetry has them. */
const pairs = z
  .string()
  .default('')
  .transform((list, context) => {
    try {
      const named = list.split(',').filter((pair) => pair.trim() !== '');
      return Object.fromEntries(named.map(pairOf));
    } catch {
      context.addIssue('must be name=value pairs with a comma between, percent-encoded');
      return z.NEVER;
    }
  });

/** @throws Error when the text is no pair */
function pairOf(text: string): [string, string] {
  const [, name, value] = /^\s*([^\s=]+)\s*=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new Error('no pair');
  return [name, decodeURIComponent(value.trim())];
}

/** The ways of establishing identity. */
const AUTH_WAYS = ['keys', 'jwt'] as const;

const environmentSchema = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: wholeNumber(0, 65_535).default(8787),
  DATABASE_URL: z
    .string()
    .regex(
      /^(file:|https?:\/\/|libsql:\/\/)/,
      'must begin with file:, http://, https:// or libsql://',
    )
    .refine(
      isKeptInAFile,
      'must name a file after file: (one in memory would be lost at the end), without ?parameters',
    )
    .optional(),
  DATABASE_AUTH_TOKEN: key.optional(),
  GROQ_API_KEY: key.optional(),
  GROQ_BASE_URL: url.optional(),
  OPENAI_API_KEY: key.optional(),
  OPENAI_BASE_URL: url.optional(),
  GOOGLE_GENERATIVE_AI_API_KEY: key.optional(),
  GOOGLE_BASE_URL: url.optional(),
  DEFAULT_MODEL: z.string().min(1).optional(),
  EMBEDDING_MODEL: z.string().min(1).optional(),
  MODEL_PRICES: z.string().min(1).optional(),
  MODEL_ATTACHMENTS: fileKinds.optional(),
  ATTACHMENT_HOSTS: z
    .string()
    .transform((list) =>
      list
        .split(',')
        .map((host) => host.trim().toLowerCase())
        .filter(Boolean),
    )
    .pipe(
      z.array(
        z
          .string()
          .regex(/^(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/, 'must be hosts with ports'),
      ),
    )
    .optional(),
  MODEL_FAST_PATH: z.enum(['on', 'off']).default('on'),
  CONTEXT_WINDOW_MESSAGES: count(20),
  MIN_MESSAGES_TO_KEEP: count(10),
  CONTEXT_TOKEN_BUDGET: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  TITLE_WORD_LIMIT: count(8),
  FIRST_TOKEN_TIMEOUT_MS: milliseconds(30_000),
  IDLE_TIMEOUT_MS: milliseconds(30_000),
  TURN_TIMEOUT_MS: milliseconds(300_000),
  TURN_LEASE_MS: milliseconds(15_000, 1000),
  SHUTDOWN_DELAY_MS: wholeNumber(0, 86_400_000).optional(),
  SHUTDOWN_GRACE_MS: wholeNumber(0, 86_400_000).optional(),
  KEEP_ALIVE_MS: milliseconds(15_000),
  TOOL_APPROVAL: z
    .string()
    .transform((list) =>
      list
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean),
    )
    .pipe(z.array(z.enum(TOOL_NAMES)))
    .optional(),
  MCP_SERVERS: mcpServers.optional(),
  HTTP_CLIENT: z.enum(['undici', 'fetch']).default('undici'),
  CORS_ORIGINS: z
    .string()
    .transform((list) =>
      list
        .split(',')
        .map((origin) => origin.trim())
        .filter(Boolean),
    )
    .pipe(z.array(z.union([z.literal(['*', 'null']), z.url({ protocol: /^https?$/ })])))
    .optional(),
  TRUSTED_HOSTS: z
    .string()
    .transform((list) =>
      list
        .split(',')
        .map((name) => name.trim().toLowerCase())
        .filter(Boolean),
    )
    .pipe(
      z.array(z.string().regex(/^(\*|[a-z0-9.-]+|\[[0-9a-f:]+\])$/, 'must be names without ports')),
    )
    .optional(),
  LIMIT_REQUESTS_PER_MINUTE: wholeNumber(1, 1_000_000).optional(),
  LIMIT_STREAMS: wholeNumber(1, 1_000_000).optional(),
  LIMIT_TURNS_AT_ONCE: wholeNumber(1, 1_000_000).optional(),
  LIMIT_TOKENS_PER_DAY: wholeNumber(1, 1_000_000_000_000).optional(),
  LIMIT_TOKENS_PER_MONTH: wholeNumber(1, 1_000_000_000_000).optional(),
  LIMIT_COST_PER_MONTH: z
    .string()
    .regex(/^\d{1,6}(\.\d{1,6})?$/, 'must be US dollars, such as 20 or 2.50')
    .transform(Number)
    .optional(),
  LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
  LOG_FORMAT: z.enum(LOG_FORMATS).optional(),
  METRICS: z.enum(['on', 'off']).default('off'),
  OTEL_EXPORTER_OTLP_ENDPOINT: url.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url.optional(),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: url.optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: z.enum(['http/protobuf', 'http/json']).default('http/protobuf'),
  OTEL_EXPORTER_OTLP_HEADERS: pairs,
  OTEL_EXPORTER_OTLP_TIMEOUT: milliseconds(10_000),
  OTEL_BSP_SCHEDULE_DELAY: milliseconds(5_000),
  OTEL_METRIC_EXPORT_INTERVAL: milliseconds(60_000),
  OTEL_SERVICE_NAME: z.string().min(1).default('parley'),
  OTEL_RESOURCE_ATTRIBUTES: pairs,
  OTEL_TRACES_EXPORTER: z.enum(['otlp', 'none']).default('otlp'),
  OTEL_METRICS_EXPORTER: z.enum(['otlp', 'none']).default('otlp'),
  OTEL_TRACES_SAMPLER: z.enum(SAMPLERS).default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
  OTEL_SDK_DISABLED: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .default(false),
  AUTH: z
    .string()
    .transform((list) => list.split(',').map((way) => way.trim()))
    .pipe(
      z.union([z.tuple([z.literal('none')]), z.array(z.enum(AUTH_WAYS)).min(1)], {
        error: 'must be none, or any of keys and jwt with a comma between',
      }),
    )
    .transform((ways) => AUTH_WAYS.filter((way) => ways.some((named) => named === way)))
    .optional(),
  JWT_SECRET: z
    .string()
    .refine((secret) => new TextEncoder().encode(secret).length >= 32, 'must have 32 bytes or more')
    .optional(),
  JWT_JWKS_URL: z.url({ protocol: /^https?$/ }).optional(),
  JWT_ISSUER: z.string().min(1).optional(),
  JWT_AUDIENCE: z.string().min(1).optional(),
});

/**
 * Returns false when SQLite would keep everything in memory, or read parameters as part of the
 * name.
 * @param url an address of any kind; only `file:` addresses are judged here
 */
function isKeptInAFile(url: string): boolean {
  const [, path] = /^file:(?:\/\/)?(.*)$/s.exec(url) ?? [];
  return (
    path === undefined || !(path.trim() === '' || path.startsWith(':memory:') || path.includes('?'))
  );
}

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

/** Returns true for names and addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '::1' ||
    /^127\.\d+\.\d+\.\d+$/.test(name)
  );
}

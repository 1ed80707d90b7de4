import { describe, expect, it } from 'vitest';
import { ConfigError, environmentNames, parseConfig } from '../../src/config.ts';

describe('an empty environment', () => {
  it('means the documented defaults', () => {
    expect(parseConfig({})).toEqual({
      HOST: '127.0.0.1',
      PORT: 8787,
      CONTEXT_WINDOW_MESSAGES: 20,
      MIN_MESSAGES_TO_KEEP: 10,
      OPENAI_API: 'chat',
      MODEL_FAST_PATH: 'on',
      FOLLOW_FAST_PATH: 'on',
      TITLE_WORD_LIMIT: 8,
      FIRST_TOKEN_TIMEOUT_MS: 30_000,
      IDLE_TIMEOUT_MS: 30_000,
      TURN_TIMEOUT_MS: 300_000,
      TURN_LEASE_MS: 15_000,
      KEEP_ALIVE_MS: 15_000,
      HTTP_CLIENT: 'undici',
      JWT_TENANT_CLAIM: 'tenant',
      LOG_LEVEL: 'info',
      METRICS: 'off',
      OTEL_BSP_SCHEDULE_DELAY: 5_000,
      OTEL_EXPORTER_OTLP_HEADERS: {},
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_TIMEOUT: 10_000,
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_METRIC_EXPORT_INTERVAL: 60_000,
      OTEL_RESOURCE_ATTRIBUTES: {},
      OTEL_SDK_DISABLED: false,
      OTEL_SERVICE_NAME: 'parley',
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_TRACES_SAMPLER: 'parentbased_always_on',
      OTEL_TRACES_SAMPLER_ARG: 1,
    });
  });

  it('is the same as one of empty values', () => {
    const empty = Object.fromEntries(environmentNames.map((name) => [name, '']));
    expect(parseConfig(empty)).toEqual(parseConfig({}));
  });
});

it.each([
  ['PORT', '0', 0],
  ['PORT', '65535', 65_535],
  ['HOST', '::1', '::1'],
  ...[
    'file:./x.db',
    'file:x.db',
    'file:///tmp/x.db',
    'file:./:memory:',
    'http://x.example?x=1',
  ].map((url): [string, string, string] => ['DATABASE_URL', url, url]),
  ['DATABASE_URL', 'libsql://x.turso.io', 'libsql://x.turso.io'],
  ['GROQ_BASE_URL', 'http://localhost:1/openai/v1/', 'http://localhost:1/openai/v1'],
  [
    'CORS_ORIGINS',
    'https://a.example, http://b.example:81',
    ['https://a.example', 'http://b.example:81'],
  ],
  ['CORS_ORIGINS', '*', ['*']],
  ['CORS_ORIGINS', 'null,https://a.example', ['null', 'https://a.example']],
  ['TRUSTED_HOSTS', 'Chat.example, 10.0.0.1,[::1]', ['chat.example', '10.0.0.1', '[::1]']],
  ['SHUTDOWN_GRACE_MS', '0', 0],
  ['SHUTDOWN_DELAY_MS', '0', 0],
  ['AUTH', 'none', []],
  ['AUTH', 'keys', ['keys']],
  ['HTTP_CLIENT', 'fetch', 'fetch'],
  ['MODEL_FAST_PATH', 'off', 'off'],
  ['OPENAI_API', 'responses', 'responses'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'a=b, c=d%20e=', { a: 'b', c: 'd e=' }],
  ['OTEL_SDK_DISABLED', 'true', true],
  ['OTEL_TRACES_SAMPLER_ARG', '0.25', 0.25],
])('takes %s=%s', (name, value, parsed) => {
  expect(parseConfig({ [name]: value })).toHaveProperty(name, parsed);
});

const malformed: [string, string][] = [
  ['OTEL_EXPORTER_OTLP_HEADERS', 'no pair'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'a=%zz'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
  ['OTEL_TRACES_SAMPLER_ARG', '2'],
  ...['abc', '-1', '65536', '80.5', '8787x', ' ', '0x50', '1e3', 'Infinity', 'NaN'].map(
    (value): [string, string] => ['PORT', value],
  ),
  ...['parley.db', 'postgres://x', 'ftp://x', 'FILE'].map((value): [string, string] => [
    'DATABASE_URL',
    value,
  ]),
  ...[
    'file:',
    'file: ',
    'file://',
    'file::memory:',
    'file::memory:?cache=shared',
    'file:x.db?mode=ro',
    'file:///tmp/x.db?mode=memory',
  ].map((value): [string, string] => ['DATABASE_URL', value]),
  ...['GROQ_BASE_URL', 'OPENAI_BASE_URL', 'GOOGLE_BASE_URL'].flatMap((name): [string, string][] => [
    [name, 'localhost:11434'],
    [name, 'ftp://localhost'],
    [name, 'nonsense'],
  ]),
  ...[
    'CONTEXT_WINDOW_MESSAGES',
    'MIN_MESSAGES_TO_KEEP',
    'CONTEXT_TOKEN_BUDGET',
    'TITLE_WORD_LIMIT',
  ].flatMap((name): [string, string][] => [
    [name, '0'],
    [name, '-3'],
    [name, '1.5'],
    [name, 'many'],
  ]),
  ...[
    'FIRST_TOKEN_TIMEOUT_MS',
    'IDLE_TIMEOUT_MS',
    'TURN_TIMEOUT_MS',
    'TURN_LEASE_MS',
    'SHUTDOWN_GRACE_MS',
    'SHUTDOWN_DELAY_MS',
    'KEEP_ALIVE_MS',
  ].flatMap((name): [string, string][] => [
    [name, '-1'],
    [name, '30s'],
    [name, '1e12'],
  ]),
  ['CORS_ORIGINS', 'example.com'],
  ['TRUSTED_HOSTS', 'https://chat.example'],
  ['TRUSTED_HOSTS', 'chat.example:80'],
  ['LOG_LEVEL', 'loud'],
  ['LOG_FORMAT', 'xml'],
  ['CORS_ORIGINS', 'https://ok.example,nonsense'],
  ['HTTP_CLIENT', 'axios'],
  ['MODEL_FAST_PATH', 'yes'],
  ['OPENAI_API', 'assistants'],
  ['AUTH', 'jwt'],
  ['AUTH', 'none,keys'],
  ['AUTH', 'keys,'],
  ['JWT_SECRET', 'short'],
  ['JWT_JWKS_URL', 'ftp://issuer.example'],
  ['AUTH', 'NONE'],
  ['DATABASE_URL', 'file:./data/{tenant}.db'],
  ['DATABASE_URL', 'http://127.0.0.1:{tenant}'],
  ['DATABASE_URL', 'http://{user}.example'],
  ['AUTH', 'open sesame'],
  ['MCP_SERVERS', 'weather=http://mcp.example'],
  ['MCP_SERVERS', '{"name":"weather","url":"http://mcp.example"}'],
  ['MCP_SERVERS', '[{"name":"weather"}]'],
  ['MCP_SERVERS', '[{"name":"two__parts","url":"http://mcp.example"}]'],
  ['MCP_SERVERS', '[{"name":"weather","url":"file:///etc/passwd"}]'],
  ['MCP_SERVERS', '[{"name":"weather","url":"http://mcp.example","approve":"always"}]'],
  ['MCP_SERVERS', '[{"name":"weather","url":"http://mcp.example","approval":"sometimes"}]'],
  ['MCP_SERVERS', '[{"name":"a","url":"http://a.example"},{"name":"a","url":"http://b.example"}]'],
];

it('reads the servers that have tools', () => {
  const servers = [
    { name: 'weather', url: 'https://mcp.example/weather', approval: ['set_alarm'] },
    { name: 'notes', url: 'http://127.0.0.1:9/', headers: { authorization: 'Bearer x' } },
  ];
  expect(parseConfig({ MCP_SERVERS: JSON.stringify(servers) }).MCP_SERVERS).toEqual(servers);
});

it.each(malformed)('refuses %s=%s in one line that names it', (name, value) => {
  const attempt = () => parseConfig({ [name]: value });
  expect(attempt).toThrow(ConfigError);
  expect(attempt).toThrow(new RegExp(`^invalid environment: ${name}[^\\n]*$`, 'u'));
});

it('names every malformed variable, and no secret', () => {
  const environment = {
    PORT: 'x',
    AUTH: 'y',
    GROQ_API_KEY: 'secret-key',
    DATABASE_AUTH_TOKEN: 'token',
  };
  expect(() => parseConfig(environment)).toThrow(/PORT.*AUTH/u);
  expect(() => parseConfig(environment)).not.toThrow(/secret-key|token/u);
});

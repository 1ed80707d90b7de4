/** Builds what all hosts need from the configuration. */
import { ParleyError } from '../core/errors.ts';
import { NANODOLLARS } from '../core/ledger.ts';
import type { Limits } from '../core/limits.ts';
import { createIdentity, type Identity } from '../auth/identity.ts';
import { fetchKeySet } from '../auth/key-set.ts';
import { createTokenVerifier, type JoseLibrary } from '../auth/token.ts';
import { hasTenants } from '../core/tenant.ts';
import { warnOnce } from '../core/log-once.ts';
import type { Logger } from '../core/logger.ts';
import { lazyWordTable } from '../models/offline/word-table.ts';
import { McpServers, type McpServersOptions } from '../turns/tools/mcp/mcp-servers.ts';
import { createToolRegistry } from '../turns/tools/registry.ts';
import type { ToolRegistry } from '../turns/tools/tool.ts';
import { ConfigError, type Config } from '../config.ts';
import { createEmbeddingRegistry, type EmbeddingRegistry } from '../models/embeddings/registry.ts';
import type { HttpFetch } from '../models/http.ts';
import { SETTLE_MS } from '../models/chat-stream/body-reader.ts';
import { createRegistry, type ProviderSettings, type Registry } from '../models/chat/registry.ts';
import type { WorkersAi } from '../models/embeddings/workers-ai.ts';
import { createPriceTable, type PriceTable } from '../core/prices.ts';
import { LIST_PRICES } from '../models/prices/list-prices.ts';
import { parsePrices } from '../models/prices/parse-prices.ts';
import type { TurnServiceSettings } from '../turns/local-turn-service.ts';

/**
 * The time for which storing the end of a turn is tried while the database is unreachable, in
 * milliseconds.
 */
const STORE_GRACE_MS = 30_000;

/**
 * Builds the registry of chat models.
 * @param network the HTTP client of the runtime
 * @throws ConfigError when DEFAULT_MODEL names no enabled model
 */
export function registryOf(config: Config, network: HttpFetch, log?: Logger): Registry {
  return asConfigError('DEFAULT_MODEL', () =>
    createRegistry({
      groq: { apiKey: config.GROQ_API_KEY, baseURL: config.GROQ_BASE_URL },
      openai: {
        apiKey: config.OPENAI_API_KEY,
        baseURL: config.OPENAI_BASE_URL,
        wire: config.OPENAI_API,
      },
      google: { apiKey: config.GOOGLE_GENERATIVE_AI_API_KEY, baseURL: config.GOOGLE_BASE_URL },
      defaultModel: config.DEFAULT_MODEL,
      fileKinds: config.MODEL_ATTACHMENTS,
      network,
      ...(log && { warn: (message) => warnOnce(log, message) }),
      fastPath: config.MODEL_FAST_PATH === 'on',
      // Half of the limit between tokens, so that a finish is passed on before that limit ends the
      // stream.
      settleMs: Math.min(SETTLE_MS, config.IDLE_TIMEOUT_MS / 2),
    }),
  );
}

/** The services of a host that the embedding models need. */
export interface EmbeddingHost {
  /** The HTTP client of the runtime. */
  network: HttpFetch;
  /** Returns the bytes of the table of word vectors. */
  readWordVectors: () => Promise<Uint8Array>;
  /** Workers AI, where there is its binding. */
  workersAi?: WorkersAi | undefined;
  log: Logger;
}

/**
 * Builds the registry of embedding models.
 * @throws ConfigError when EMBEDDING_MODEL names no enabled model
 */
export function embeddingsOf(
  config: Config,
  { network, readWordVectors, workersAi, log }: EmbeddingHost,
): EmbeddingRegistry {
  const wordTable = lazyWordTable(readWordVectors, (error) =>
    log.error('the word vectors cannot be used, searches go on without them', { error }),
  );
  return asConfigError('EMBEDDING_MODEL', () =>
    createEmbeddingRegistry({
      openai: embeddingServerOf(config),
      google: { apiKey: config.GOOGLE_GENERATIVE_AI_API_KEY, baseURL: config.GOOGLE_BASE_URL },
      workersAi,
      embeddingModel: config.EMBEDDING_MODEL,
      network,
      wordTable,
    }),
  );
}

/** Returns the server of `openai/…` embeddings. Another one than chat's is not told chat's key. */
function embeddingServerOf(config: Config): ProviderSettings {
  const { EMBEDDING_API_KEY: apiKey, EMBEDDING_BASE_URL: baseURL } = config;
  if (baseURL !== undefined) return { apiKey, baseURL };
  return { apiKey: apiKey ?? config.OPENAI_API_KEY, baseURL: config.OPENAI_BASE_URL };
}

/**
 * Builds what establishes who is calling; undefined when everybody may call.
 * @param loadJose loads the library that checks tokens
 */
export function identityOf(
  config: Config,
  loadJose: () => Promise<JoseLibrary>,
): Identity | undefined {
  return createIdentity(config, createTokenVerifier(config, { loadJose, fetchKeys: fetchKeySet }));
}

/**
 * Refuses to serve tenants whose callers nobody establishes.
 * @throws ConfigError when `AUTH` is `none` or not set
 */
export function requireAuthOfTenants({ DATABASE_URL, AUTH }: Config): void {
  if (!hasTenants(DATABASE_URL) || AUTH?.length) return;
  throw new ConfigError(
    'DATABASE_URL has {tenant}, which a credential says: set AUTH=keys or AUTH=jwt',
  );
}

/**
 * Builds the table of prices: the operator's, else the list prices.
 * @param config whose `MODEL_PRICES` is JSON
 * @throws ConfigError when it is no table of prices
 */
export function pricesOf({ MODEL_PRICES: text }: Pick<Config, 'MODEL_PRICES'>): PriceTable {
  if (text === undefined) return createPriceTable(LIST_PRICES);
  try {
    return createPriceTable(parsePrices(text));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`invalid environment: MODEL_PRICES: ${why}`);
  }
}

/** Turns the error of an unknown name into a ConfigError, which stops the start. */
function asConfigError<T>(variable: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ParleyError)) throw error;
    throw new ConfigError(`invalid environment: ${variable}: ${error.detail}`);
  }
}

/**
 * Returns the limits of users who have none of their own. Undefined where nobody has any: none is
 * set, and there is no identity by which users could have their own.
 */
export function limitsOf(config: Config): Limits | undefined {
  const limits: Limits = {
    requests_per_minute: config.LIMIT_REQUESTS_PER_MINUTE ?? null,
    turns_at_once: config.LIMIT_TURNS_AT_ONCE ?? null,
    streams: config.LIMIT_STREAMS ?? null,
    tokens_per_day: config.LIMIT_TOKENS_PER_DAY ?? null,
    tokens_per_month: config.LIMIT_TOKENS_PER_MONTH ?? null,
    cost_per_month: nanodollarsOf(config.LIMIT_COST_PER_MONTH),
    stored_bytes: config.LIMIT_STORED_BYTES ?? null,
  };
  const isLimited = Object.values(limits).some((limit) => limit !== null);
  return isLimited || config.AUTH?.length ? limits : undefined;
}

function nanodollarsOf(dollars: number | undefined): number | null {
  return dollars === undefined ? null : Math.round(dollars * NANODOLLARS);
}

export function turnServiceSettingsOf(config: Config): TurnServiceSettings {
  return {
    titleWords: config.TITLE_WORD_LIMIT,
    limits: limitsOf(config),
    leaseMs: config.TURN_LEASE_MS,
    keepAliveMs: config.KEEP_ALIVE_MS,
    storeGraceMs: STORE_GRACE_MS,
    timeLimits: {
      firstTokenMs: config.FIRST_TOKEN_TIMEOUT_MS,
      idleMs: config.IDLE_TIMEOUT_MS,
      totalMs: config.TURN_TIMEOUT_MS,
    },
    context: {
      windowMessages: config.CONTEXT_WINDOW_MESSAGES,
      minMessages: config.MIN_MESSAGES_TO_KEEP,
      tokenBudget: config.CONTEXT_TOKEN_BUDGET,
    },
  };
}

/**
 * Builds the registry of tools: ours, and those of the servers that the operator has named.
 */
export function toolRegistryOf(
  { TOOL_APPROVAL: approval, MCP_SERVERS: named = [] }: Config,
  options: Pick<McpServersOptions, 'load' | 'log' | 'known' | 'defer'>,
): ToolRegistry {
  const fetch: typeof globalThis.fetch = (input, init) => globalThis.fetch(input, init);
  const servers =
    named.length === 0 ? undefined : new McpServers({ servers: named, fetch, ...options });
  return createToolRegistry({ approval, servers });
}

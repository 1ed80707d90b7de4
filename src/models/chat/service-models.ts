/**
 * Knows which models the server at OPENAI_BASE_URL has, by asking its `/models`. What it said last
 * is kept: a server that does not answer changes nothing.
 */
import { APICallError } from '@ai-sdk/provider';
import { parseJson, recordOf } from '../../core/json.ts';
import { describeFailure, type FailureContext } from '../describe-failure.ts';
import type { HttpFetch } from '../http.ts';

/** The time after which the server is asked again, in milliseconds. */
const FRESH_FOR_MS = 30_000;
/**
 * The time after which a server that could not be reached is asked again, in milliseconds. One that
 * answered otherwise has no list, and is not asked more often than one that has.
 */
const AGAIN_AFTER_MS = 2_000;
/** The time that the server gets to answer, in milliseconds: a program that starts is busy, too. */
const LIMIT_MS = 10_000;
/** The time for which a caller waits for the first answer, in milliseconds. */
const PATIENCE_MS = 2_000;
const MOST_MODELS = 500;
/** UTF-16 units of a model's name. */
const LONGEST_ID = 200;

export interface ServiceModel {
  id: string;
  /** The tokens that it takes in all, where the server says so. */
  contextTokens?: number;
}

interface ServiceSettings {
  baseURL: string;
  apiKey: string | undefined;
  network: HttpFetch;
  failureContext: FailureContext;
  /** Tells the operator why the models are not known. */
  warn: (message: string) => void;
}

export class ServiceModels {
  readonly #settings: ServiceSettings;
  #models: readonly ServiceModel[] | undefined;
  #asking: Promise<void> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #hasFailed = false;
  #isAway = false;

  constructor(settings: ServiceSettings) {
    this.#settings = settings;
  }

  /** The models that it had when it last answered; undefined before that. */
  get known(): readonly ServiceModel[] | undefined {
    return this.#models;
  }

  /**
   * Asks the server when the last answer is old.
   * @returns what to wait for: the first answer, or nothing at all once there was one
   */
  refresh(): Promise<void> | undefined {
    const freshForMs = this.#isAway ? AGAIN_AFTER_MS : FRESH_FOR_MS;
    if (!this.#asking && performance.now() - this.#askedAt >= freshForMs) {
      this.#askedAt = performance.now();
      this.#asking = this.#ask().finally(() => (this.#asking = undefined));
    }
    if (this.#models || !this.#asking) return undefined;
    // Whoever asked may be gone, and its question with it.
    const late = new Promise<void>((resolve) => setTimeout(resolve, PATIENCE_MS));
    return Promise.race([this.#asking, late]);
  }

  async #ask(): Promise<void> {
    const { warn, failureContext } = this.#settings;
    try {
      this.#models = modelsIn(await this.#fetchList());
      this.#hasFailed = false;
      this.#isAway = false;
    } catch (error) {
      const why = describeFailure(error, failureContext);
      // It is asked often until it answers; once is enough for the log.
      if (!this.#hasFailed) warn(`the models of OPENAI_BASE_URL are not known: ${why}`);
      this.#hasFailed = true;
      this.#isAway = !isAnswer(error);
    }
  }

  async #fetchList(): Promise<unknown> {
    const { baseURL, apiKey, network } = this.#settings;
    const url = `${baseURL}/models`;
    const response = await network(url, {
      headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    const responseBody = await response.text();
    const body = parseJson(responseBody);
    // LM Studio answers an unknown address by 200 and an error.
    const { data, models, error } = recordOf(body);
    if (response.status === 200 && !error && (data !== undefined || models !== undefined))
      return data ?? models;
    const statusCode = response.status === 200 ? 404 : response.status;
    throw new APICallError({
      message: 'no list of models',
      url,
      requestBodyValues: {},
      statusCode,
      responseBody,
    });
  }
}

/** Returns true for an answer that will not change by itself soon: no failure of the server. */
function isAnswer(error: unknown): boolean {
  return error instanceof APICallError && (error.statusCode ?? 500) < 500;
}

/** The fields in which servers say how much a model takes: vLLM, OpenRouter, Groq. */
const CONTEXT_FIELDS = ['max_model_len', 'context_length', 'context_window'] as const;

/** Reads a list. Ollama sends null for an empty one. */
function modelsIn(list: unknown): ServiceModel[] {
  if (!Array.isArray(list)) return [];
  const models = list.slice(0, MOST_MODELS).flatMap((entry: unknown): ServiceModel[] => {
    const record = recordOf(entry);
    const id = record['id'] ?? record['name'];
    if (typeof id !== 'string' || id === '' || id.length > LONGEST_ID) return [];
    const contextTokens = CONTEXT_FIELDS.map((field) => record[field]).find(isCount);
    return [contextTokens === undefined ? { id } : { id, contextTokens }];
  });
  return [...new Map(models.map((model) => [model.id, model])).values()];
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

/** Models that do not chat; servers list them beside those that do. */
const OTHER_WORK = /embed|rerank|whisper|\btts\b|moderation|\bbge\b|dall-e|diffusion/iu;
/** The size in a name, in billions of parameters: `qwen2.5:7b`, `Meta-Llama-3.1-8B-Instruct`. */
const SIZE = /(\d+(?:\.\d+)?)b(?![a-z])/giu;

/**
 * Returns the model that an alias stands for: the smallest for `fast`, the largest for `smart`, by
 * the sizes in their names, and the first where no name tells its size.
 */
export function modelFor(alias: string, models: readonly ServiceModel[]): string | undefined {
  const chat = models.filter(({ id }) => !OTHER_WORK.test(id));
  const sized = chat
    .map(({ id }) => ({ id, size: sizeOf(id) }))
    .filter(({ size }) => size > 0)
    .toSorted((one, other) => one.size - other.size);
  return (alias === 'fast' ? sized.at(0) : sized.at(-1))?.id ?? chat[0]?.id;
}

function sizeOf(id: string): number {
  return Math.max(0, ...[...id.matchAll(SIZE)].map(([, size]) => Number(size)));
}

/**
 * The attributes of calls of chat models. They are made once for each model and kept, frozen: each
 * turn tells of its model a dozen times, and what is frozen is recognised without being read.
 */
import type { Attributes } from '../core/telemetry.ts';
import type { ChatModel } from './chat/registry.ts';
import { modelAttributes, modelIdOf } from './work-trace.ts';

/** The attributes of calls that one model of a service has answered. */
export interface AnsweredBy {
  /** Of measures. */
  call: Attributes;
  /** Of measures of tokens, by what the tokens are of. */
  tokens: Readonly<Record<Modality, Attributes>>;
}

/** `unknown` is a mixture of kinds that was not counted apart, or what was not counted at all. */
export type Modality = 'text' | 'unknown';

export interface CallAttributes {
  /** The name of the span of a call. */
  spanName: string;
  asked: Attributes;
  /** @param model the name by which the service calls what answered, where it says one */
  answeredBy(model: string | undefined): AnsweredBy;
}

/** The most names of what answered that are kept for a model: services choose them. */
const MOST_NAMES = 20;

const kept = new WeakMap<ChatModel, CallAttributes>();

/** Returns the attributes of the calls of a model. */
export function callAttributes(model: ChatModel): CallAttributes {
  const found = kept.get(model);
  if (found) return found;
  const made = attributesOf(model);
  kept.set(model, made);
  return made;
}

function attributesOf({ name, address }: ChatModel): CallAttributes {
  const operation = { 'gen_ai.operation.name': 'chat', ...modelAttributes(name), ...address?.() };
  const byModel = new Map<string | undefined, AnsweredBy>();
  return {
    spanName: `chat ${modelIdOf(name)}`,
    asked: Object.freeze({ ...operation, 'gen_ai.request.stream': true }),
    answeredBy(model) {
      const found = byModel.get(model);
      if (found) return found;
      const made = answeredBy({ ...operation, ...named(model) });
      if (byModel.size < MOST_NAMES) byModel.set(model, made);
      return made;
    },
  };
}

function named(model: string | undefined): Attributes {
  return model === undefined ? {} : { 'gen_ai.response.model': model };
}

function answeredBy(call: Attributes): AnsweredBy {
  const of = (modality: Modality) => Object.freeze({ ...call, 'gen_ai.token.modality': modality });
  return { call: Object.freeze(call), tokens: { text: of('text'), unknown: of('unknown') } };
}

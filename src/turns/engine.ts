/** One turn, from its acceptance to its stored end. */
import type { LanguageModelV4Prompt, LanguageModelV4Usage } from '@ai-sdk/provider';
import type { ContextMessage } from '../chat/context.ts';
import type { Conversation } from '../chat/conversation.ts';
import { failureOf, type Failure } from '../chat/errors.ts';
import type { Outcome } from '../chat/message.ts';
import type { Report } from '../chat/report.ts';
import { contentOf } from '../chat/parts.ts';
import { estimateTokens } from '../chat/tokens.ts';
import type { ChatModel } from '../models/registry.ts';
import type { Database } from '../store/database.ts';
import { endTurn, type Ending } from '../store/turns.ts';
import { decideEnding, decideUsage } from './ending.ts';
import type { LiveTurn } from './live-turn.ts';
import { buildPrompt, estimatePrompt, type ContextSettings } from './prompt.ts';
import { runStep, type Step } from './step.ts';
import type { TimeLimits } from './watchdog.ts';

export interface EngineSettings {
  context: ContextSettings;
  timeLimits: TimeLimits;
  /** How long to go on trying to store the end of a turn when the database is away, milliseconds. */
  storeGraceMs: number;
}

export interface TurnWork {
  live: LiveTurn;
  conversation: Conversation;
  history: ContextMessage[];
  /** In the order in which they are tried. */
  models: readonly [ChatModel, ...ChatModel[]];
}

/** Runs an accepted turn and stores its end. Never throws: whatever happens becomes the turn's outcome, told to its readers after it is stored. */
export async function runTurn(
  work: TurnWork,
  {
    db,
    ownerId,
    settings,
    report,
  }: { db: Database; ownerId: string; settings: EngineSettings; report: Report },
): Promise<void> {
  const ending = await endingOfTurn(work, settings, report);
  const outcome = await store(work.live, ending, {
    db,
    ownerId,
    patience: settings.storeGraceMs,
    report,
  });
  work.live.end(outcome);
}

async function endingOfTurn(
  work: TurnWork,
  settings: EngineSettings,
  report: Report,
): Promise<Ending> {
  try {
    return endingOf(work.live, await generate(work, settings));
  } catch (error) {
    // A defect of ours must not leave a turn without an end.
    report(`turn ${work.live.head.turnId} failed`, error);
    return brokenEnding(work.live, failureOf(error));
  }
}

function brokenEnding(live: LiveTurn, error: Failure): Ending {
  const parts = live.parts.all();
  return {
    status: live.parts.textLength > 0 ? 'interrupted' : 'failed',
    error,
    parts,
    model: live.head.model,
    inputTokens: null,
    outputTokens: estimateTokens(contentOf(parts)),
    tokensEstimated: true,
    finishReason: null,
    firstTokenMs: null,
    durationMs: Math.round(performance.now() - live.startedAt),
  };
}

interface Answer {
  model: ChatModel;
  prompt: LanguageModelV4Prompt;
  step: Step;
  usage: (LanguageModelV4Usage | undefined)[];
}

/** Asks the models in their order until one speaks; after its first token no other may. */
async function generate(
  { live, conversation, history, models }: TurnWork,
  settings: EngineSettings,
): Promise<Answer> {
  const deadline = live.startedAt + settings.timeLimits.totalMs;
  const ask = async (model: ChatModel): Promise<Answer> => {
    const { instructions } = conversation;
    const prompt = buildPrompt({
      history,
      instructions,
      window: model.window,
      settings: settings.context,
    });
    const step = await runStep({
      live,
      model,
      options: { prompt },
      limits: settings.timeLimits,
      deadline,
    });
    return { model, prompt, step, usage: [step.usage] };
  };
  const [first, ...fallbacks] = models;
  let answer = await ask(first);
  for (const model of fallbacks) {
    const failed = answer.step.error !== undefined || answer.step.late;
    if (!failed || answer.step.spoke || live.stopReason || performance.now() >= deadline) break;
    answer = await ask(model);
  }
  return answer;
}

function endingOf(live: LiveTurn, { model, prompt, step, usage }: Answer): Ending {
  const parts = live.parts.all();
  const decision = decideEnding({
    step,
    hasText: live.parts.textLength > 0,
    stopped: live.stopReason,
  });
  const tokens = decideUsage({
    reported: usage,
    estimate: {
      inputTokens: estimatePrompt(prompt),
      outputTokens: estimateTokens(contentOf(parts)),
    },
  });
  return {
    ...decision,
    parts,
    model: model.name,
    inputTokens: tokens.inputTokens,
    outputTokens: tokens.outputTokens,
    tokensEstimated: tokens.estimated,
    firstTokenMs:
      live.firstTokenAt === undefined ? null : Math.round(live.firstTokenAt - live.startedAt),
    durationMs: Math.round(performance.now() - live.startedAt),
  };
}

/** Stores the end and answers what is then stored: where somebody else had ended or deleted the turn meanwhile, that is what counts. */
async function store(
  live: LiveTurn,
  ending: Ending,
  {
    db,
    ownerId,
    patience,
    report,
  }: { db: Database; ownerId: string; patience: number; report: Report },
): Promise<Outcome> {
  try {
    const stored = await endTurn(db, { head: live.head, ownerId, ending, patience });
    if (stored) return { message: stored.message, error: stored.error };
    return { message: unstoredMessage(live, { ...ending, status: 'cancelled' }) };
  } catch (error) {
    report(`the end of turn ${live.head.turnId} could not be stored`, error);
    return {
      message: unstoredMessage(live, { ...ending, status: 'interrupted', finishReason: null }),
      error: {
        code: 'not_stored',
        detail: 'The answer could not be stored: the database cannot be reached',
      },
    };
  }
}

function unstoredMessage({ head }: LiveTurn, ending: Ending): Outcome['message'] {
  const { error: _, ...message } = ending;
  return {
    ...message,
    id: head.assistantMessage.id,
    conversationId: head.conversationId,
    turnId: head.turnId,
    role: 'assistant',
    sequenceNumber: head.assistantMessage.sequenceNumber,
    createdAt: head.conversationCreatedAt,
  };
}

/** One turn, from its acceptance to its stored end. */
import type { ContextMessage } from '../chat/context.ts';
import type { Conversation } from '../chat/conversation.ts';
import { failureOf } from '../chat/errors.ts';
import type { Report } from '../chat/report.ts';
import type { ChatModel } from '../models/registry.ts';
import type { Database } from '../store/database.ts';
import type { Ending } from '../store/turns.ts';
import { brokenEnding, endingOf } from './ending.ts';
import { generate } from './generate.ts';
import { ground, type Retriever } from './ground.ts';
import type { LiveTurn } from './live-turn.ts';
import type { ContextSettings } from './prompt.ts';
import { storeEnding } from './store-ending.ts';
import type { Toolbox } from './tools/tool.ts';
import type { TimeLimits } from './watchdog.ts';

export interface EngineSettings {
  context: ContextSettings;
  timeLimits: TimeLimits;
  /** How long to go on trying to store the end of a turn when the database is away, milliseconds. */
  storeGraceMs: number;
}

export interface EngineServices {
  db: Database;
  /** The instance that runs the turn. */
  ownerId: string;
  settings: EngineSettings;
  retriever: Retriever;
  toolbox: Toolbox;
  report: Report;
}

export interface TurnWork {
  live: LiveTurn;
  conversation: Conversation;
  history: ContextMessage[];
  /** Whether the user has documents or other conversations that a tool could search. */
  hasMaterial: boolean;
  /** In the order in which they are tried. */
  models: readonly [ChatModel, ...ChatModel[]];
}

/** Runs an accepted turn and stores its end. Never throws: whatever happens becomes the turn's outcome, told to its readers after it is stored. */
export async function runTurn(work: TurnWork, services: EngineServices): Promise<void> {
  const ending = await answer(work, services);
  const outcome = await storeEnding(work.live, ending, services);
  work.live.end(outcome);
}

async function answer(work: TurnWork, services: EngineServices): Promise<Ending> {
  try {
    const grounding = await ground(work, services);
    const generated = await generate(work, grounding, services);
    return endingOf(work.live, generated);
  } catch (error) {
    const failure = failureOf(error);
    // A defect of ours must not leave a turn without an end.
    if (failure.code === 'internal_error')
      services.report(`turn ${work.live.head.turnId} failed`, error);
    return brokenEnding(work.live, failure);
  }
}

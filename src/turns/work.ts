/** What a turn is made from, and what it is run with. */
import type { ContextMessage } from '../chat/context.ts';
import type { Conversation } from '../chat/conversation.ts';
import type { Report } from '../chat/report.ts';
import type { ChatModel } from '../models/registry.ts';
import type { Database } from '../store/database.ts';
import type { LiveTurn } from './live-turn.ts';
import type { ContextSettings } from './prompt.ts';
import type { Retriever } from './retriever.ts';
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

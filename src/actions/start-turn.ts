/** Starts turns, by the rules that hold for every API. */
import type { Mode } from '../core/conversation.ts';
import { invalid } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { mcpToolName, type McpServer } from '../core/mcp-server.ts';
import type { TurnParameters } from '../core/parameters.ts';
import { proofOf, requireUserId } from '../core/principal.ts';
import { confirmNow } from '../store/credentials/tickets.ts';
import type { Key } from '../store/idempotency-keys.ts';
import type {
  OnBusy,
  OnDisconnect,
  StreamOptions,
  TurnInput,
  TurnRequest,
  TurnRun,
  TurnStream,
} from '../turns/turn-service.ts';
import { attach, type AskedInput } from './attachments.ts';
import type { ActionContext } from './context.ts';
import { takeWaiting } from './new-conversations.ts';

/** The fields of a new conversation that a client may set. */
export interface ConversationFields {
  title?: string | null;
  mode?: Mode;
  model?: string | null;
  instructions?: string | null;
  /** The name that a client gives it. */
  clientId?: string | null;
  /** True for one that is made for one answer, and deleted after it. */
  isTemporary?: boolean;
  /** The hash of its question: `not_found` where its owner has asked that before. */
  unlessAsked?: string;
}

export interface TurnAsk {
  /** The conversation; undefined when the turn begins one. */
  conversationId?: string;
  create?: ConversationFields;
  input: AskedInput;
  /** The model of this turn; the conversation's when it is left out. */
  model?: string | null;
  /** The parameters that the model should honour. */
  parameters?: TurnParameters;
  onBusy?: OnBusy;
  /** Joins the running turn, instead of failing, when that answers exactly the same text. */
  joinSameText?: boolean;
  idempotency?: Key;
  /** The name that the client gives the answer. */
  answerClientId?: string;
}

/**
 * Starts a turn and returns its stream.
 * @throws ParleyError as {@link TurnService.start} does
 */
export async function startTurn(
  context: ActionContext,
  ask: TurnAsk,
  options: StreamOptions,
): Promise<TurnStream> {
  const { turns } = context.dependencies;
  return withRequest(context, ask, (request) => turns.start(request, options, context.asker));
}

/**
 * Starts a turn and returns a handle to wait for its end.
 * @throws ParleyError as {@link TurnService.run} does
 */
export async function runTurn(
  context: ActionContext,
  ask: TurnAsk,
  onDisconnect: OnDisconnect,
): Promise<TurnRun> {
  const { turns } = context.dependencies;
  return withRequest(context, ask, (request) => turns.run(request, onDisconnect, context.asker));
}

/** Makes a request with the files of its message, which are not kept when it is refused. */
async function withRequest<Started>(
  context: ActionContext,
  ask: TurnAsk,
  start: (request: TurnRequest) => Promise<Started>,
): Promise<Started> {
  // Nobody may take a place among those who wait, or have a file fetched, by a forged credential.
  const proof = proofOf(context.principal);
  const isSeen = ask.onBusy === 'queue' || hasAttachments(ask);
  if (proof && isSeen) await confirmNow(context.dependencies.db, proof);
  const place = await placeOf(context, ask);
  const { input, undo } = await attach(context, ask);
  try {
    const started = await start({ ...requestOf(context, ask, input), ...place });
    // It may have joined a turn whose message has the same files.
    if (ask.idempotency?.isForUnread) context.dependencies.defer(undo());
    return started;
  } catch (error) {
    await undo();
    throw error;
  }
}

function hasAttachments({ input }: TurnAsk): boolean {
  return input.kind === 'message' && input.attachments !== undefined;
}

/** Returns the conversation of a turn, which may be about to be made. */
async function placeOf(context: ActionContext, ask: TurnAsk) {
  const { conversationId } = ask;
  if (conversationId !== undefined)
    return { conversationId, searchesFor: takeWaiting(conversationId) };
  const { id, ...create } = await newConversation(context, ask.create ?? {});
  // The claim confirms a credential: until then its user is only what it says.
  const isKnown = proofOf(context.principal) === undefined;
  const searchesFor = create.mode === 'rag' && isKnown ? create.userId : undefined;
  return { conversationId: id, create, searchesFor };
}

function requestOf(
  context: ActionContext,
  ask: TurnAsk,
  input: TurnInput,
): Omit<TurnRequest, 'conversationId' | 'create' | 'searchesFor'> {
  const { model = null, parameters, onBusy = 'reject', joinSameText = false } = ask;
  requireFreeNames(parameters, context.dependencies.config.MCP_SERVERS);
  return {
    principal: context.principal,
    input,
    model,
    parameters,
    onBusy,
    joinSameText,
    idempotency: ask.idempotency,
    answerClientId: ask.answerClientId,
  };
}

/**
 * Checks that no tool of a request has a name that may be a server's.
 * @throws ParleyError `invalid_request`
 */
function requireFreeNames(
  parameters: TurnParameters | undefined,
  servers: readonly McpServer[] = [],
): void {
  for (const [at, { name }] of (parameters?.tools ?? []).entries()) {
    const taken = servers.some((server) => name.startsWith(mcpToolName(server.name, '')));
    if (taken) throw invalid(`tools.${at}.name`, 'is a name for the tools of an MCP server');
  }
}

/**
 * Returns the fields of a conversation that is about to be made, with a new id.
 * @throws ParleyError `unknown_model`, or `invalid_request` when the request names no user
 */
export async function newConversation(
  { principal, dependencies }: ActionContext,
  { title, mode, model, instructions, clientId, isTemporary = false, ...more }: ConversationFields,
) {
  if (model) await dependencies.registry.find(model);
  return {
    id: newId(),
    userId: requireUserId(principal),
    title: title ?? null,
    mode: mode ?? ('open' as const),
    model: model ?? null,
    instructions: instructions ?? null,
    clientId: clientId ?? null,
    isTemporary,
    ...more,
  };
}

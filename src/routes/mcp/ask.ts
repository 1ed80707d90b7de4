/** The tool of MCP that starts a turn. Its answer comes as an event stream where that is taken. */
import { z } from 'zod';
import { userOf, withUser } from '../../actions/client-chat.ts';
import { runTurn, startTurn } from '../../actions/start-turn.ts';
import { messageInput } from '../../actions/turn-input.ts';
import { mcpWire, turnResult } from '../../wire/mcp-answer.ts';
import { wantsStream } from '../shared/answer-turn.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import { idempotencyKey } from '../shared/idempotency-key.ts';
import * as schemas from '../shared/schemas.ts';
import { streamTurn } from '../shared/stream-turn.ts';
import { said, type Asked, type Said } from './json-rpc.ts';
import { schemaOf } from './reading-tools.ts';

const input = z.object({
  message: z.string().min(1).max(schemas.LONGEST_MESSAGE),
  conversation_id: z.string().max(200).optional(),
  model: z.string().max(200).optional(),
});

export const ASK = {
  name: 'ask',
  description:
    'Asks the assistant, which knows the user’s conversations and documents. The question and ' +
    'the answer are stored. Name a conversation to go on with it.',
  inputSchema: schemaOf(input),
};

/**
 * Starts a turn and answers with it. By the protocol of today a client cancels a call by closing
 * its connection; by those before it, that says nothing.
 * @throws ZodError for an input that does not fit, ParleyError
 */
export async function ask(c: AppContext, given: unknown, asked: Asked): Promise<Response | Said> {
  const { message, conversation_id: conversationId, model } = input.parse(given);
  const context = withUser(actionContext(c));
  const idempotency = await idempotencyKey(c, { scope: userOf(context.principal) });
  const turn = { conversationId, model, idempotency, input: messageInput({ message }) };
  const onDisconnect = asked.isCurrent ? 'cancel' : 'continue';
  if (wantsStream(c)) {
    const options = { wire: mcpWire(asked), initialId: false, onDisconnect } as const;
    return streamTurn(c, await startTurn(context, turn, options), options.wire);
  }
  const run = await runTurn(context, turn, onDisconnect);
  return said(asked, turnResult(run, await run.finished(context.asker.signal)));
}

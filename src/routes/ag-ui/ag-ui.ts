/** The API of AG-UI 1.0: post a run, and come back to it, which its own client cannot. */
import { startInChat, userOf } from '../../actions/client-chat.ts';
import { startTurn } from '../../actions/start-turn.ts';
import { invalidCursor } from '../../core/cursor.ts';
import { sha256 } from '../../core/sha256.ts';
import type { Key } from '../../store/idempotency-keys.ts';
import { findTurnByKey } from '../../store/turns/read.ts';
import { agUiWire } from '../../wire/ag-ui.ts';
import { streamOptions } from '../shared/answer-turn.ts';
import { nameClient } from '../shared/client-user.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import { idempotencyKey } from '../shared/idempotency-key.ts';
import { required } from '../shared/required.ts';
import { ofTurn } from '../shared/response-docs.ts';
import { body, eventStream, turnProblems } from '../shared/responses.ts';
import { createRouter, route } from '../shared/router.ts';
import * as schemas from '../shared/schemas.ts';
import { lastEventId, serveReconnect, streamOrNothing, streamTurn } from '../shared/stream-turn.ts';
import { turnOf } from '../shared/turn-of.ts';
import { parametersIn, runInput, triggerOf, type RunInput } from './run-input.ts';

const path = '/ag-ui';

const events = eventStream(
  'RUN_STARTED, then chunks of texts, reasoning and calls of tools, their results, and one of ' +
    'RUN_FINISHED and RUN_ERROR.',
);

export function agUiRouter() {
  const router = createRouter();
  route(
    router,
    {
      method: 'post',
      path,
      tags: ['ag-ui'],
      operationId: 'runAgent',
      summary: 'Run a thread of AG-UI, or come back to a run',
      request: { query: schemas.ownerQuery, body: body(runInput) },
      responses: {
        200: ofTurn({ description: 'The events of the run', content: events }),
        204: { description: 'Nothing is left after the cursor' },
        ...turnProblems,
      },
    },
    async (c) => {
      const given = c.req.valid('json');
      const { user_id: user, model, mode, instructions, ...busy } = given.forwardedProps ?? {};
      nameClient(c, { user });
      const key = await keyOf(c, given);
      const cursor = lastEventId(c);
      if (cursor !== undefined) return comeBack(c, given, { key, cursor });
      const options = optionsOf(given);
      const chat = {
        chatId: given.threadId,
        trigger: triggerOf(given),
        create: { mode, instructions },
      };
      const asked = {
        model,
        parameters: parametersIn(given),
        onBusy: busy.on_busy,
        idempotency: key,
      };
      const stream = await startInChat(actionContext(c), chat, {
        // Results are messages of their own here, so what comes after them is another one, too.
        start: (context, { answerClientId: _, ...ask }) =>
          startTurn(context, { ...ask, ...asked }, options),
        join: async (turn) =>
          required(await c.get('dependencies').turns.follow(turn, options), 'Turn'),
      });
      return streamTurn(c, stream, options.wire);
    },
    { takesHistory: true },
  );
  return router;
}

function optionsOf({ threadId, runId, forwardedProps }: RunInput, messageId?: string) {
  return streamOptions(agUiWire({ threadId, runId, messageId }), forwardedProps ?? {});
}

/** Returns the key by which the same run finds its turn: that of the request, or the run's name. */
async function keyOf(c: AppContext, { threadId, runId, messages }: RunInput): Promise<Key> {
  const scope = userOf(c.get('principal'));
  const given = await idempotencyKey(c, { scope });
  if (given) return given;
  const fingerprint = await sha256(JSON.stringify(messages.at(-1) ?? null));
  const run = await sha256(JSON.stringify([threadId, runId]));
  return { scope, key: `${path} ${run}`, fingerprint };
}

/** Continues the run after the cursor. It starts nothing. */
function comeBack(
  c: AppContext,
  given: RunInput,
  { key, cursor }: { key: Key; cursor: string },
): Promise<Response> {
  const { db, turns } = c.get('dependencies');
  return serveReconnect(agUiWire(given), async () => {
    const found = await findTurnByKey(db, key);
    if (!found) throw invalidCursor('The cursor belongs to no turn of this run');
    const { assistantMessage } = (await turnOf(c, found.turnId)).head;
    const options = optionsOf(given, assistantMessage.id);
    return streamOrNothing(c, await turns.follow(found, options, cursor), options.wire);
  });
}

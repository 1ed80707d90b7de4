/** Starts the turn of a history where it belongs, or joins the one that answers it already. */
import { forgetAfterwards } from '../../actions/forget-turn.ts';
import { withUser } from '../../actions/client-chat.ts';
import { leaveUnread } from '../../actions/unread-turns.ts';
import type { ActionContext } from '../../actions/context.ts';
import { runTurn, startTurn, type TurnAsk } from '../../actions/start-turn.ts';
import type { Key } from '../../store/idempotency-keys.ts';
import type { TurnAddress, TurnRun, TurnStream } from '../../turns/turn-service.ts';
import type { Wire } from '../../wire/wire.ts';
import { streamOptions } from './answer-turn.ts';
import { actionContext, type AppContext } from './dependencies.ts';
import { orElsewhere, type Placed } from './or-elsewhere.ts';
import type { RequestPlace } from './place-request.ts';
import { required } from './required.ts';
import { turnHeaders } from './stream-turn.ts';

/** The turn to join, or the one to start. */
export type Place = { join: TurnAddress } | Placed;

/** Returns the stream of a turn that is started or joined. */
export function streamPlaced(c: AppContext, place: Place, wire: Wire): Promise<TurnStream> {
  return streamAt(actionContext(c), place, wire);
}

/** Returns the stream of a turn that is started or joined, whatever the request has come by. */
export async function streamAt(
  context: ActionContext,
  place: Place,
  wire: Wire,
): Promise<TurnStream> {
  const options = streamOptions(wire, {});
  const { turns } = context.dependencies;
  // Without a cursor there is always something to follow.
  return 'join' in place
    ? required(await turns.follow(place.join, options), 'Turn')
    : orElsewhere(place, (ask) => startTurn(contextToStart(context, ask), ask, options));
}

/** Starts or joins a turn that is answered whole, and notes it for the answer's headers. */
export async function runPlaced(c: AppContext, place: Place): Promise<TurnRun> {
  const context = actionContext(c);
  const { turns } = context.dependencies;
  const run =
    'join' in place
      ? await turns.wait(place.join, 'continue')
      : await orElsewhere(place, (ask) => runTurn(contextToStart(context, ask), ask, 'continue'));
  c.set('turn', run);
  c.set('turnHeaders', turnHeaders(run));
  return 'ask' in place ? notingUnread(context, run, place.ask.idempotency) : run;
}

/** Returns a run that notes when its client has gone before the end, and may ask again. */
function notingUnread(context: ActionContext, run: TurnRun, key: Key | undefined): TurnRun {
  if (!key?.isForUnread) return run;
  const note = () => leaveUnread(context, key, run.turnId);
  const finished: TurnRun['finished'] = async (signal) => {
    if (signal?.aborted) note();
    // On Workers nothing goes on after that but what is deferred here.
    signal?.addEventListener('abort', note, { once: true });
    try {
      return await run.finished(signal);
    } finally {
      signal?.removeEventListener('abort', note);
    }
  };
  return { ...run, finished };
}

/** Streams the turn of a history. What a client asks for itself is not kept. */
export async function streamRequest(
  c: AppContext,
  place: RequestPlace,
  wire: Wire,
): Promise<TurnStream> {
  const stream = await streamPlaced(c, place, wire);
  forgetTask(c, place, stream);
  return stream;
}

/** Runs the turn of a history, to be answered whole. What a client asks for itself is not kept. */
export async function runRequest(c: AppContext, place: RequestPlace): Promise<TurnRun> {
  const run = await runPlaced(c, place);
  forgetTask(c, place, run);
  return run;
}

function forgetTask(c: AppContext, place: RequestPlace, turn: TurnAddress): void {
  if ('ask' in place && place.isTask) forgetAfterwards(actionContext(c), turn);
}

/** A conversation that is made needs a user; one that is named by its id is its owner's. */
function contextToStart(context: ActionContext, { create }: Pick<TurnAsk, 'create'>) {
  return create ? withUser(context) : context;
}

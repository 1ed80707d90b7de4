/** The client that asks for a response, by HTTP or by a socket. */
import type { ActionContext } from '../../actions/context.ts';
import type { Key } from '../../store/idempotency-keys.ts';
import { clientUserOf } from '../shared/client-user.ts';
import { actionContext, type AppContext } from '../shared/dependencies.ts';
import { idempotencyKey, isRetry, keyOrUnread } from '../shared/idempotency-key.ts';
import type { ResponseBody } from './body.ts';

export interface ResponseAsker {
  context: ActionContext;
  /** The client's own word for somebody, where one user stands for many. */
  clientUser: string | undefined;
  /** The request as it came. */
  said: string;
  /** True where the client says that it has sent the request before. */
  isRetry: boolean;
  /**
   * Reads the key of the request.
   * @param scope the owner of the key
   * @param request the hash of the request
   */
  keyIn(scope: string, request: string): Promise<Key | undefined>;
  /** Tells whether a response that is not kept was given to this client, and is still there. */
  remembers(turnId: string): boolean;
}

/** Returns who asks by a request of its own, which remembers nothing that is not kept. */
export async function askerOf(c: AppContext, given: ResponseBody): Promise<ResponseAsker> {
  const clientUser = clientUserOf(c, given);
  const isAnsweredWhole = !given.stream && !given.background;
  return {
    context: actionContext(c),
    clientUser,
    said: await c.req.text(),
    isRetry: isRetry(c),
    keyIn: (scope, request) =>
      isAnsweredWhole
        ? keyOrUnread(c, { scope, request, said: [clientUser] })
        : idempotencyKey(c, { scope }),
    remembers: () => false,
  };
}

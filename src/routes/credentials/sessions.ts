/**
 * The routes of sessions: a page gets a cookie for a key, so that the key is kept nowhere in the
 * browser. No script can read the cookie, and no other site can send it.
 */
import { setCookie } from 'hono/cookie';
import { z } from '@hono/zod-openapi';
import { issueFor } from '../../actions/credentials.ts';
import { SESSION_COOKIE } from '../../auth/presented.ts';
import { proofOf } from '../../core/principal.ts';
import { revokeCredential } from '../../store/credentials/credentials.ts';
import { time } from '../../wire/views.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { commonProblems, json } from '../shared/responses.ts';
import { MAKES_NOTHING } from '../shared/response-docs.ts';
import { createRouter, route, type Router } from '../shared/router.ts';
import { isSecure } from '../shared/security-headers.ts';
import { detailSchema } from '../shared/answer-schemas.ts';
import { requireCaller } from './caller.ts';

/** Milliseconds of a session: long enough not to ask for the key every day. */
const LIFETIME_MS = 14 * 24 * 60 * 60 * 1000;

const tags = ['credentials'];
const session = z
  .looseObject({ user_id: z.string(), expires_at: z.iso.datetime() })
  .openapi('Session');

export function sessionsRouter() {
  const router = createRouter();
  addBeginning(router);
  addEnd(router);
  return router;
}

function addBeginning(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path: '/session',
      tags,
      [MAKES_NOTHING]: true,
      operationId: 'beginSession',
      summary: 'Get a session cookie for a key or a token',
      responses: { 200: json(session, 'The session, whose cookie is set'), ...commonProblems },
    },
    async (c) => {
      const caller = requireCaller(c);
      const lifetime = { kind: 'session', lifetimeMs: LIFETIME_MS } as const;
      const issued = await issueFor(c.get('dependencies').db, caller, lifetime);
      const expiresAt = issued.expiresAt ?? 0;
      putCookie(c, issued.text, Math.floor((expiresAt - Date.now()) / 1000));
      return c.json({ user_id: issued.userId, expires_at: time(expiresAt) }, 200);
    },
    { beginsSession: true },
  );
}

function addEnd(router: Router): void {
  route(
    router,
    {
      method: 'delete',
      path: '/session',
      tags,
      operationId: 'endSession',
      summary: 'End the session: its cookie opens nothing any more',
      responses: { 200: json(detailSchema, 'Ended'), ...commonProblems },
    },
    async (c) => {
      const { userId } = requireCaller(c);
      const proof = proofOf(c.get('principal'));
      const { db } = c.get('dependencies');
      if (proof?.kind === 'session')
        await revokeCredential(db, { id: proof.id, kind: 'session', userId });
      putCookie(c, '', 0);
      return c.json({ detail: 'Session ended' }, 200);
    },
  );
}

function putCookie(c: AppContext, text: string, maxAge: number): void {
  setCookie(c, SESSION_COOKIE, text, {
    httpOnly: true,
    sameSite: 'Strict',
    secure: isSecure(c),
    path: '/',
    maxAge,
  });
}

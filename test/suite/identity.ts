/** A server that asks who is calling, for tests of a file's own, with what they call it by. */
import { createHmac } from 'node:crypto';
import { request, type Answer, type RequestInit } from '../support/http.ts';
import { createKey } from '../support/keys.ts';
import { startServer, type Runtime, type TestServer } from '../support/server.ts';
import { openStream, type OpenStream, type StreamInit } from '../support/sse.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

export const JWT_SECRET = 'a secret of the tests, long enough for HS256';

export interface IdentityServer {
  server: TestServer;
  upstream: Upstream;
  /** A key of an admin, made by the command line. */
  admin: string;
  /** Makes a key, as the admin. */
  key(options: { user: string; scope?: 'admin' }): Promise<string>;
  /** A request with a credential, or without one. */
  call<Body = unknown>(path: string, init?: CredentialInit): Promise<Answer<Body>>;
  stream(path: string, init?: StreamInit & { as?: string }): Promise<OpenStream>;
  close(): Promise<void>;
}

export type CredentialInit = Omit<RequestInit, 'headers'> & {
  headers?: Record<string, string>;
  as?: string | undefined;
};

export async function startIdentityServer(
  runtime: Runtime,
  env: Record<string, string> = {},
): Promise<IdentityServer> {
  const upstream = await startUpstream();
  const server = await startServer({
    runtime,
    env: {
      ...upstream.env,
      DEFAULT_MODEL: 'openai/default',
      AUTH: 'keys,jwt',
      JWT_SECRET,
      TURN_LEASE_MS: '120000',
      ...env,
    },
  });
  const admin = await createKey(server.databaseUrl, { user: 'the-admin', scope: 'admin' });
  return {
    server,
    upstream,
    admin,
    key: async ({ user, scope }) => {
      const json = { user_id: user, scopes: scope === undefined ? [] : [scope] };
      const made = await request<{ key: string }>(`${server.url}/keys`, {
        json,
        headers: bearer(admin),
      });
      return made.json.key;
    },
    call: (path, { as, headers = {}, ...init } = {}) =>
      request(server.url + path, { ...init, headers: { ...bearer(as), ...headers } }),
    stream: (path, { as, headers = {}, ...init } = {}) =>
      openStream(server.url + path, { ...init, headers: { ...bearer(as), ...headers } }),
    close: async () => {
      await server.close();
      await upstream.close();
    },
  };
}

export function bearer(credential: string | undefined): Record<string, string> {
  return credential === undefined ? {} : { authorization: `Bearer ${credential}` };
}

/** Signs a token by HS256. A claim that is undefined is left out. */
export function signToken(
  claims: Record<string, unknown>,
  { header = {}, secret = JWT_SECRET }: { header?: object; secret?: string } = {},
): string {
  const now = Math.floor(Date.now() / 1000);
  const head = encode({ alg: 'HS256', typ: 'JWT', ...header });
  const body = encode({ iat: now, exp: now + 600, ...claims });
  const signature = createHmac('sha256', secret).update(`${head}.${body}`).digest('base64url');
  return `${head}.${body}.${signature}`;
}

export function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/**
 * Databases of tenants, as namespaces of a real libSQL server. That finds the namespace in the
 * host's first label, and names below `localhost` are known to few machines: so a proxy takes it
 * from the path.
 */
import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePort } from './places.ts';
import { startSqld } from './sqld.ts';

export interface TenantDatabases {
  /** The address, with a place for the tenant. */
  url: string;
  /** Makes the empty database of a tenant. */
  create(tenant: string): Promise<void>;
  /**
   * The tenants whose databases are not there, each for so many requests: as sqld answers for a
   * namespace while it closes another.
   */
  missing: Map<string, number>;
  /** The tenants of the requests since the last `reset`, in their order. */
  asked: string[];
  close(): Promise<void>;
}

/** Starts a server of databases, with those of some tenants. */
export async function startTenantDatabases(tenants: string[] = []): Promise<TenantDatabases> {
  const adminPort = await freePort();
  const sqld = await startSqld({ adminPort });
  const asked: string[] = [];
  const missing = new Map<string, number>();
  const agent = new Agent({ keepAlive: true });
  const proxy = createServer((incoming, outgoing) => {
    const [, tenant = '', path = ''] = /^\/([^/]*)(\/.*)$/u.exec(incoming.url ?? '') ?? [];
    asked.push(tenant);
    const times = missing.get(tenant) ?? 0;
    if (times > 0) {
      missing.set(tenant, times - 1);
      incoming.resume();
      outgoing.writeHead(404, { 'content-type': 'application/json' });
      outgoing.end(JSON.stringify({ error: `Namespace \`${tenant}\` doesn't exist` }));
      return;
    }
    forward({ incoming, outgoing, agent, url: sqld.url + path, host: `${tenant}.sqld` });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  const databases: TenantDatabases = {
    url: `http://127.0.0.1:${port}/{tenant}/`,
    asked,
    missing,
    async create(tenant) {
      const address = `http://127.0.0.1:${adminPort}/v1/namespaces/${tenant}/create`;
      const headers = { 'content-type': 'application/json' };
      const made = await fetch(address, { method: 'POST', headers, body: '{}' });
      if (!made.ok) throw new Error(`no namespace ${tenant}: ${await made.text()}`);
    },
    async close() {
      proxy.closeAllConnections();
      proxy.close();
      agent.destroy();
      await sqld.close();
    },
  };
  for (const tenant of tenants) await databases.create(tenant);
  return databases;
}

interface Forwarded {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
  agent: Agent;
  url: string;
  host: string;
}

function forward({ incoming, outgoing, agent, url, host }: Forwarded): void {
  const { method, headers } = incoming;
  const onward = request(url, { method, agent, headers: { ...headers, host } }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  onward.on('error', () => outgoing.destroy());
  incoming.pipe(onward);
}

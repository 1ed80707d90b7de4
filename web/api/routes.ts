/** Routes that the API of this server has, by its own description. */
import { call } from './client.ts';

/** A method and a path, such as `get /search`. */
export type Route = `${'get' | 'post' | 'delete'} /${string}`;

let asked: Promise<ReadonlySet<string>> | undefined;

/** Returns the routes. The description is long: it is asked for once, when it is first needed. */
export function knownRoutes(): Promise<ReadonlySet<string>> {
  asked ??= readRoutes().catch((error: unknown) => {
    asked = undefined;
    throw error;
  });
  return asked;
}

async function readRoutes(): Promise<ReadonlySet<string>> {
  const { paths } = await call<{ paths: Record<string, object> }>('/openapi.json');
  return new Set(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    ),
  );
}

/**
 * Routers: each renders the errors of its own routes, and documents a route by the schemas that
 * validate it.
 */
import {
  OpenAPIHono,
  createRoute,
  z,
  type RouteConfig,
  type RouteHandler,
} from '@hono/zod-openapi';
import type { AppEnv } from './dependencies.ts';
import { invalidInput } from './invalid-input.ts';
import { prepareRequest, type RouteTraits } from './prepare-request.ts';
import { renderProblem, type RenderError } from './render-error.ts';
import { CREDENTIALS } from './response-docs.ts';

/**
 * Creates a router.
 * @param renderError renders the errors of an API; as problem documents by default
 */
export function createRouter({ renderError = renderProblem }: { renderError?: RenderError } = {}) {
  const router = new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (!result.success) throw invalidInput(result.error);
    },
  });
  router.onError(renderError);
  return router;
}

export type Router = ReturnType<typeof createRouter>;

type RouteOf<Config extends RouteConfig> = ReturnType<typeof createRoute<Config['path'], Config>>;

/** Adds a documented route, whose input is validated by the schemas in the documentation. */
export function route<const Config extends RouteConfig>(
  router: Router,
  config: Config,
  handler: (
    c: Parameters<RouteHandler<RouteOf<Config>, AppEnv>>[0],
  ) => Response | Promise<Response>,
  traits: RouteTraits = {},
): void {
  const query = Object.keys(shapeOf(config.request?.query));
  const described = { ...config, [CREDENTIALS]: credentialsOf(traits) };
  const prepared = { ...described, middleware: prepareRequest(config.path, { ...traits, query }) };
  // Responses may hold more than their schema says, since clients ignore unknown fields; the
  // library's types do not allow for that.
  router.openapi(createRoute<Config['path'], Config>(prepared), handler);
}

/** Says which credentials a route takes. */
function credentialsOf({ isOpen, takesTicket }: RouteTraits): 'none' | 'any' | 'ticket' {
  if (isOpen) return 'none';
  return takesTicket ? 'ticket' : 'any';
}

/** Returns the parameters of a query from its schema, which is always an object's. */
function shapeOf(schema: unknown): object {
  return schema instanceof z.ZodObject ? schema.shape : {};
}

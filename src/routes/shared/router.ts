/** Routers: each renders the errors of its own routes, and each route is documented by what validates it. */
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

/** Makes a router. @param renderError how an API shows its errors; ours by default */
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

/** Adds a documented route: what `handler` reads is validated by the schemas that the documentation shows. */
export function route<const Config extends RouteConfig>(
  router: Router,
  config: Config,
  handler: (
    c: Parameters<RouteHandler<RouteOf<Config>, AppEnv>>[0],
  ) => Response | Promise<Response>,
  traits: RouteTraits = {},
): void {
  const query = Object.keys(shapeOf(config.request?.query));
  const prepared = { ...config, middleware: prepareRequest({ ...traits, query }) };
  // Answers may hold more than their schema says (clients ignore what they do not know), which the
  // library's types do not allow for.
  router.openapi(createRoute<Config['path'], Config>(prepared), handler);
}

/** The parameters of a query, by the schema that validates it: always an object's. */
function shapeOf(schema: unknown): object {
  return schema instanceof z.ZodObject ? schema.shape : {};
}

/**
 * Replaces `@ai-sdk/gateway` in the Worker (wrangler.toml, `alias`), which makes the bundle 22 KiB
 * smaller. The AI SDK asks the gateway for models that are given as a name; here they are always
 * given as models.
 */

/** An error that nothing throws; the SDK only checks for it. */
export class GatewayError extends Error {
  static isInstance(): boolean {
    return false;
  }
}

export { GatewayError as GatewayAuthenticationError };

/**
 * Fails, since a model was given as a name.
 * @throws always
 */
export function createGateway(): never {
  throw new TypeError('the AI SDK was given the name of a model instead of a model');
}

export { createGateway as gateway };

/** The API of Anthropic's clients, on the same conversations as everything else. */
import { createRouter } from '../shared/router.ts';
import { addTokenCount } from './count-tokens.ts';
import { addMessages } from './messages.ts';
import { renderAnthropicError } from './render-anthropic-error.ts';

export function anthropicRouter() {
  const router = createRouter({ renderError: renderAnthropicError });
  addMessages(router);
  addTokenCount(router);
  return router;
}

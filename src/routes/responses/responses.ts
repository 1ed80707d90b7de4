/** OpenAI's Responses, on the same conversations as everything else. */
import { renderOpenAiError } from '../openai/render-openai-error.ts';
import { createRouter } from '../shared/router.ts';
import { addConversationItems } from './conversation-items.ts';
import { addConversations } from './conversations.ts';
import { addCompaction } from './compact.ts';
import { addCreation } from './create.ts';
import { addSocket } from './socket-route.ts';
import { addStored } from './stored.ts';

export function responsesRouter() {
  const router = createRouter({ renderError: renderOpenAiError });
  addCreation(router);
  addCompaction(router);
  addSocket(router);
  addStored(router);
  addConversations(router);
  addConversationItems(router);
  return router;
}

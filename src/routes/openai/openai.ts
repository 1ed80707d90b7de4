/** The API of OpenAI's clients, on the same conversations as everything else. */
import { createRouter } from '../shared/router.ts';
import { addCompletions } from './completions.ts';
import { addEmbeddings } from './embeddings.ts';
import { addModels } from './models.ts';
import { addVectorStores } from './vector-stores.ts';
import { renderOpenAiError } from './render-openai-error.ts';

export function openAiRouter() {
  const router = createRouter({ renderError: renderOpenAiError });
  addCompletions(router);
  addModels(router);
  addEmbeddings(router);
  addVectorStores(router);
  return router;
}

/** `POST /v1/messages/count_tokens`: about how many tokens a request takes. */
import { z } from '@hono/zod-openapi';
import { estimateMessage } from '../../core/context.ts';
import { questionParts, type QuestionFile } from '../../core/exchange.ts';
import { estimateFile, kindOfFile } from '../../core/file.ts';
import { estimateTokens } from '../../core/tokens.ts';
import { historyIn } from '../shared/history-of-items.ts';
import { MAKES_NOTHING } from '../shared/response-docs.ts';
import { body, commonProblems, json } from '../shared/responses.ts';
import { route, type Router } from '../shared/router.ts';
import { asAnthropicErrors, betaQuery } from './docs.ts';
import { itemsIn } from './message-items.ts';
import { countBody, systemOf, type CountBody } from './messages-body.ts';

const count = z.object({ input_tokens: z.int() }).openapi('TokenCount');

export function addTokenCount(router: Router): void {
  route(
    router,
    {
      method: 'post',
      path: '/v1/messages/count_tokens',
      tags: ['anthropic'],
      [MAKES_NOTHING]: true,
      operationId: 'countTokens',
      summary: 'About how many tokens a request takes',
      request: { query: betaQuery, body: body(countBody) },
      responses: { 200: json(count, 'The count'), ...asAnthropicErrors(commonProblems) },
    },
    async (c) => {
      const given = c.req.valid('json');
      const { registry } = c.get('dependencies');
      await registry.find(given.model ?? registry.defaultName);
      return c.json({ input_tokens: tokensOf(given) });
    },
    { takesHistory: true },
  );
}

function tokensOf(given: CountBody): number {
  const { before, ...question } = historyIn(itemsIn(given), 'messages');
  const said = [...before, { ...question, answer: null }].flatMap((exchange) => [
    ...questionParts(exchange),
    ...(exchange.answer ?? []),
  ]);
  const files = [...before, question].flatMap((exchange) => exchange.files ?? []);
  const tools = given.tools?.length ? JSON.stringify(given.tools) : '';
  const around = [systemOf(given), tools].map(estimateTokens);
  return [...around, ...files.map(tokensOfFile)].reduce(
    (sum, tokens) => sum + tokens,
    estimateMessage({ role: 'user', parts: said }),
  );
}

/** Of a file that is elsewhere nothing is known: it counts as a picture. */
function tokensOfFile({ attachment }: QuestionFile): number {
  if (!('bytes' in attachment)) return estimateFile({ mime_type: 'image/*', size: 0 });
  const { bytes, type: mime_type = 'image/*' } = attachment;
  if (kindOfFile(mime_type) === 'text') return estimateTokens(new TextDecoder().decode(bytes));
  return estimateFile({ mime_type, size: bytes.length });
}

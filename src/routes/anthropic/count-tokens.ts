/** `POST /v1/messages/count_tokens`: about how many tokens a request takes. */
import { z } from '@hono/zod-openapi';
import { estimateMessage } from '../../core/context.ts';
import { questionParts } from '../../core/exchange.ts';
import { estimateTokens } from '../../core/tokens.ts';
import { historyIn } from '../shared/history-of-items.ts';
import { MAKES_NOTHING } from '../shared/response-docs.ts';
import { body, commonProblems, json } from '../shared/responses.ts';
import { route, type Router } from '../shared/router.ts';
import { asAnthropicErrors, betaQuery } from './docs.ts';
import { countBody, itemsIn, systemOf, type CountBody } from './messages-body.ts';

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
  const tools = given.tools?.length ? JSON.stringify(given.tools) : '';
  const around = [systemOf(given), tools].map(estimateTokens);
  return around.reduce(
    (sum, tokens) => sum + tokens,
    estimateMessage({ role: 'user', parts: said }),
  );
}

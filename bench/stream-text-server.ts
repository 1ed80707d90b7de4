/**
 * The code that people write first: `streamText` of the AI SDK as a UI message stream over Hono. It
 * stores nothing.
 */
import { serve } from '@hono/node-server';
import { createOpenAI } from '@ai-sdk/openai';
import {
  createUIMessageStreamResponse,
  streamText,
  toUIMessageStream,
  type ModelMessage,
} from 'ai';
import { Hono } from 'hono';

const openai = createOpenAI({ baseURL: process.env['OPENAI_BASE_URL'], apiKey: 'bench' });
const app = new Hono();

app.post('/chat', async (context) => {
  const { model, messages } = await context.req.json<{ model: string; messages: ModelMessage[] }>();
  const result = streamText({ model: openai.chat(model), messages });
  return createUIMessageStreamResponse({ stream: toUIMessageStream({ stream: result.stream }) });
});

serve(
  { fetch: app.fetch, port: Number(process.env['PORT'] ?? 0), hostname: '127.0.0.1' },
  (info) => {
    console.log(`listening on http://127.0.0.1:${info.port}`);
  },
);

// Exits by itself, which lets V8 write its profile (see profile.ts).
process.on('SIGTERM', () => process.exit(0));

import type { LanguageModelV4ToolCall } from '@ai-sdk/provider';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { TurnParameters } from '../../../../src/core/parameters.ts';
import type { Json } from '../../../../src/core/parts.ts';
import { continuePrompt } from '../../../../src/turns/tools/continue-prompt.ts';
import { readCall } from '../../../../src/turns/tools/read-call.ts';
import { runToolCalls } from '../../../../src/turns/tools/run-tool-calls.ts';
import { defineTool, type Tool, type ToolContext } from '../../../../src/turns/tools/tool.ts';
import { createToolRegistry } from '../../../../src/turns/tools/registry.ts';
import { newRunningTurn } from '../running-turn.ts';
import { noLog } from '../../../support/log.ts';

const conversation = {
  id: 'c',
  userId: 'u',
  title: null,
  mode: 'open' as const,
  model: null,
  instructions: null,
  messageCount: 2,
  headMessageId: null,
  clientId: null,
  createdAt: 0,
  updatedAt: 0,
};
const model = {
  name: 'openai/x',
  window: { context: 1_000, answer: 100 },
  takes: () => false,
  load: () => Promise.reject(new Error('not asked here')),
};

/** A tool of one's own, as somebody would add it. */
function tool(run: Tool['run'], name = 'own'): Tool {
  return defineTool({ name, description: 'A test', input: z.object({ a: z.int() }), run });
}

function call(input: string, more: Partial<LanguageModelV4ToolCall> = {}): LanguageModelV4ToolCall {
  return { type: 'tool-call', toolCallId: 'id', toolName: 'own', input, ...more };
}

async function setUp(...tools: Tool[]) {
  const turn = newRunningTurn();
  const reports: string[] = [];
  const context: ToolContext = {
    conversation,
    tools: await createToolRegistry({ tools }).toolsFor({
      conversation,
      model,
      hasSearchableContent: true,
    }),
    files: { keep: () => Promise.resolve(undefined) },
    deadline: performance.now() + 60_000,
    log: { ...noLog, error: (what) => reports.push(what) },
    retriever: { isLocal: true, retrieve: () => Promise.resolve([]) },
    db: {
      batch: () => Promise.reject(new Error('not used here')),
      writes: 0,
      flush: () => Promise.resolve(),
      close: () => undefined,
    },
  };
  return {
    turn,
    reports,
    run: async (...calls: LanguageModelV4ToolCall[]) =>
      (await runToolCalls(turn, calls, context)).map(({ result }) => result),
  };
}

describe('a custom tool', () => {
  it('gets its parsed input and the owner’s conversation', async () => {
    const { turn, run } = await setUp(
      tool((input, { conversation }) =>
        Promise.resolve({ input, user: conversation.userId } as Json),
      ),
    );
    expect(await run(call('{"a":1,"b":2}'))).toEqual([
      { output: { input: { a: 1 }, user: 'u' }, isError: false },
    ]);
    expect(turn.parts.all()).toEqual([
      { type: 'tool_call', tool_call_id: 'id', name: 'own', input: { a: 1, b: 2 } },
      { type: 'tool_result', tool_call_id: 'id', output: { input: { a: 1 }, user: 'u' } },
    ]);
  });

  it('is reported when it rejects, and the model learns no detail', async () => {
    const { turn, run, reports } = await setUp(tool(() => Promise.reject(new Error('password'))));
    const [result] = await run(call('{"a":1}'));
    expect(result).toEqual({ output: { error: 'the tool failed' }, isError: true });
    expect(JSON.stringify(turn.parts.all())).not.toContain('password');
    expect(reports).toEqual(['a tool failed']);
  });

  it('is reported when it throws synchronously', async () => {
    const { run } = await setUp(
      tool(() => {
        throw new Error('password');
      }),
    );
    expect(await run(call('{"a":1}'))).toMatchObject([{ isError: true }]);
  });

  it('fails when its result would fill the window, and later results use what is left', async () => {
    const { run } = await setUp(
      tool((input) => Promise.resolve('x'.repeat((input as { a: number }).a))),
    );
    const results = await run(
      call('{"a":70000}'),
      call('{"a":50000}'),
      call('{"a":20000}'),
      call('{"a":5}'),
    );
    expect(results.map((result) => result?.isError)).toEqual([true, false, true, false]);
    expect(results[0]?.output).toEqual({ error: expect.stringContaining('too long') });
  });
});

describe('a turn that is stopped', () => {
  it('does not wait for the running tools', async () => {
    let signal: AbortSignal | undefined;
    const { turn, run, reports } = await setUp(
      tool((_, dependencies) => {
        ({ signal } = dependencies);
        return new Promise(() => undefined);
      }),
    );
    const running = run(call('{"a":1}'), call('{"a":2}'));
    await vi.waitFor(() => expect(signal).toBeDefined());
    turn.stop('cancelled');
    const stopped = { output: { error: 'the turn was stopped' }, isError: true };
    expect(await running).toEqual([stopped, stopped]);
    expect(signal?.aborted).toBe(true);
    expect(turn.parts.count).toBe(4);
    expect(reports).toEqual([]);
  });

  it('runs no tool when it was stopped before', async () => {
    const { turn, run } = await setUp(tool(() => Promise.resolve(1)));
    turn.stop('shutdown');
    expect(await run(call('{"a":1}'))).toEqual([]);
    expect(turn.parts.count).toBe(0);
  });
});

describe('a tool that takes too long', () => {
  afterEach(() => vi.restoreAllMocks());

  it('fails by its time limit', async () => {
    const limit = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(limit.signal);
    const { run, reports } = await setUp(tool(() => new Promise(() => undefined)));
    const running = run(call('{"a":1}'));
    limit.abort();
    expect(await running).toEqual([{ output: { error: 'the tool took too long' }, isError: true }]);
    expect(timeout).toHaveBeenCalledWith(20_000);
    expect(reports).toHaveLength(1);
  });
});

describe('the prompt of the next step', () => {
  it('holds the text, the calls, their results and the provider’s metadata', () => {
    const providerMetadata = { google: { thoughtSignature: 'signed' } };
    const prompt = continuePrompt({
      takes: () => false,
      said: 'Let me see. ',
      calls: [
        {
          ...readCall(call('{"a":1}', { providerMetadata }), []),
          result: { output: [1], isError: false },
        },
        {
          ...readCall(call('{"a":', { toolCallId: 'cut' }), []),
          result: { output: { error: 'no' }, isError: true },
        },
      ],
    });
    expect(prompt).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Let me see. ' },
          {
            type: 'tool-call',
            toolCallId: 'id',
            toolName: 'own',
            input: { a: 1 },
            providerOptions: providerMetadata,
          },
          { type: 'tool-call', toolCallId: 'cut', toolName: 'own', input: {} },
        ],
      },
      {
        role: 'tool',
        content: [
          {
            type: 'tool-result',
            toolCallId: 'id',
            toolName: 'own',
            output: { type: 'json', value: [1] },
          },
          {
            type: 'tool-result',
            toolCallId: 'cut',
            toolName: 'own',
            output: { type: 'error-text', value: 'no' },
          },
        ],
      },
    ]);
  });

  it.each([
    ['NUL and half a pair', '{"a":"x\\u0000y\\ud800"}', { a: 'xy\uFFFD' }],
    ['nothing at all', '', {}],
    ['no JSON', '{"a":', '{"a":'],
    ['a number', '5', 5],
  ])('an input with %s is stored as far as it can be', async (_name, input, stored) => {
    const { turn, run } = await setUp(tool(() => Promise.resolve(1)));
    await run(call(input));
    expect(turn.parts.all()[0]).toMatchObject({ type: 'tool_call', input: stored });
  });
});

it('a tool that needs its user is not offered where nobody can be asked', async () => {
  const tools = [tool(() => Promise.resolve(1)), tool(() => Promise.resolve(1), 'other')];
  const registry = createToolRegistry({ tools, approval: ['own'] });
  const asked = { conversation, model, hasSearchableContent: true };
  const names = async (parameters: TurnParameters) =>
    (await registry.toolsFor({ ...asked, parameters })).options.tools?.map(({ name }) => name);
  expect(await names({})).toEqual(['own', 'other']);
  expect(await names({ without_approvals: true })).toEqual(['other']);
});

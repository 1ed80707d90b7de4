import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { modelFor, ServiceModels } from '../../../../src/models/chat/service-models.ts';

describe('what an alias stands for', () => {
  const has = (...ids: string[]) => ids.map((id) => ({ id }));

  it.each([
    [['qwen2.5:7b', 'llama3.2:1b', 'llama3.1:70b'], 'llama3.2:1b', 'llama3.1:70b'],
    [['Qwen3-30B-A3B', 'gemma-3-27b-it'], 'gemma-3-27b-it', 'Qwen3-30B-A3B'],
    [['mistral:latest', 'phi4:latest'], 'mistral:latest', 'mistral:latest'],
    [['bge-m3:567m', 'text-embedding-8b', 'phi4:14b'], 'phi4:14b', 'phi4:14b'],
  ])('among %s: the smallest and the largest that chats', (ids, fast, smart) => {
    expect([modelFor('fast', has(...ids)), modelFor('smart', has(...ids))]).toEqual([fast, smart]);
  });

  it('is nothing where nothing chats', () => {
    expect(modelFor('smart', has('nomic-embed-text:latest'))).toBeUndefined();
  });
});

describe('the list of a server', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  it('is kept while the server is away, and asked for again when it is old', async () => {
    const bodies = ['{"data":[{"id":"a","max_model_len":4096}]}', 'down', '{"data":[{"id":"b"}]}'];
    const warnings: string[] = [];
    let asked = 0;
    const service = new ServiceModels({
      baseURL: 'http://server.invalid/v1',
      apiKey: undefined,
      failureContext: {},
      network: () => Promise.resolve(new Response(bodies[asked++])),
      warn: (message) => warnings.push(message),
    });
    const later = async () => {
      vi.advanceTimersByTime(31_000);
      await service.refresh();
      await new Promise((done) => setImmediate(done));
      return service.known;
    };
    await service.refresh();
    await service.refresh();
    expect([asked, service.known]).toEqual([1, [{ id: 'a', contextTokens: 4096 }]]);
    expect(await later()).toEqual([{ id: 'a', contextTokens: 4096 }]);
    expect(warnings).toHaveLength(1);
    expect(await later()).toEqual([{ id: 'b' }]);
  });

  it('is asked for again soon when the server did not answer, and that is told once', async () => {
    const warnings: string[] = [];
    let asked = 0;
    const late = new DOMException('x', 'TimeoutError');
    const service = new ServiceModels({
      baseURL: 'http://server.invalid/v1',
      apiKey: undefined,
      failureContext: {},
      network: () =>
        ++asked < 3 ? Promise.reject(late) : Promise.resolve(new Response('{"data":[{"id":"a"}]}')),
      warn: (message) => warnings.push(message),
    });
    await service.refresh();
    await service.refresh();
    expect(asked).toBe(1);
    for (const _ of [2, 3]) {
      vi.advanceTimersByTime(2_100);
      await service.refresh();
    }
    expect([asked, service.known]).toEqual([3, [{ id: 'a' }]]);
    expect(warnings).toEqual(['the models of OPENAI_BASE_URL are not known: no answer in time']);
  });
});

/** What model services send, each replayed from beginning to end, through a whole turn. */
import { describe, expect, it } from 'vitest';
import { DEVIATIONS } from '../support/deviations/index.ts';
import type { Deviation } from '../support/deviations/deviation.ts';
import { suiteTarget, unique } from './target.ts';
import { hear, scripted } from './turns.ts';

const target = suiteTarget();
const STATUSES = {
  stop: 'complete',
  length: 'truncated',
  'content-filter': 'filtered',
  'tool-calls': 'complete',
  none: 'interrupted',
};

/** Returns the status of the stored answer. */
function statusOf({ finish = 'stop', error, text = 'Hi' }: Deviation): string {
  if (error === 'unreadable' && text !== '') return 'interrupted';
  return error === undefined ? STATUSES[finish] : 'failed';
}

// A call of a tool that nobody offered is another subject.
const told = DEVIATIONS.filter(({ calls }) => calls === undefined);

describe.concurrent.each(told)('an answer of $name ($seen)', (deviation) => {
  it('is told as if it had kept to the wire', async () => {
    const { body, thought = '', text = 'Hi', usage } = deviation;
    const { model } = await scripted(target, { raw: { body } });
    const json = { user_id: unique('user'), message: 'Say hi.', model };
    const heard = await hear(await target.stream('/conversations', { json }));
    expect(heard).toMatchObject({ reasoning: thought, text });
    expect(heard.end.message).toMatchObject({ content: text, status: statusOf(deviation) });
    if (usage && deviation.error === undefined)
      expect(heard.end.usage).toMatchObject({
        ...{ input_tokens: usage[0], output_tokens: usage[1], estimated: false },
      });
  });
});

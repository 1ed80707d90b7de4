/** Lists: plain arrays, a page at a time, with the next page in a Link header (RFC 8288). */
import { describe, expect, it } from 'vitest';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

interface Item {
  id: string;
  sequence_number: number;
}

const nextOf = (link: string | string[] | undefined) =>
  /^<([^>]+)>; rel="next"$/u.exec(String(link ?? ''))?.[1];

/** Follows the links from `path` to the end; at most 20 pages. */
async function pages(path: string): Promise<Item[][]> {
  const found: Item[][] = [];
  for (let next: string | undefined = path; next !== undefined && found.length < 20;) {
    const { status, headers, json }: Awaited<ReturnType<typeof target.call<Item[]>>> =
      await target.call<Item[]>(next);
    expect(status).toBe(200);
    found.push(json);
    next = nextOf(headers.link);
  }
  return found;
}

async function conversationsOf(user_id: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let made = 0; made < count; made += 1) {
    const { json } = await target.call<Item>('/chats', { json: { user_id } });
    ids.push(json.id);
  }
  return ids;
}

describe.each(['/conversations', '/chats', '/chat/conversations'])('the list of %s', (path) => {
  it('is newest first and comes in pages', async () => {
    const user_id = unique('user');
    const ids = await conversationsOf(user_id, 7);
    const found = await pages(`${path}?user_id=${user_id}&limit=3`);
    expect(found.map((page) => page.length)).toEqual([3, 3, 1]);
    expect(found.flat().map(({ id }) => id)).toEqual(ids.toReversed());
  });

  it('has no next page when the last one is full', async () => {
    const user_id = unique('user');
    await conversationsOf(user_id, 2);
    const { headers, json } = await target.call<Item[]>(`${path}/?user_id=${user_id}&limit=2`);
    expect(json).toHaveLength(2);
    expect(headers.link).toBeUndefined();
  });

  it('is not disturbed by what is made between two pages', async () => {
    const user_id = unique('user');
    const ids = await conversationsOf(user_id, 4);
    const first = await target.call<Item[]>(`${path}?user_id=${user_id}&limit=2`);
    await conversationsOf(user_id, 2);
    const rest = await pages(nextOf(first.headers.link) ?? '');
    expect([...first.json, ...rest.flat()].map(({ id }) => id)).toEqual(ids.toReversed());
  });

  it('is empty for an unknown user', async () => {
    const { status, json } = await target.call(`${path}?user_id=${unique('nobody')}`);
    expect({ status, json }).toEqual({ status: 200, json: [] });
  });

  it('requires user_id', async () => {
    const { status, json } = await target.call(path);
    expect({ status, json }).toMatchObject({ status: 400, json: aProblem(400, 'invalid_request') });
  });

  it.each(['limit=0', 'limit=201', 'limit=-1', 'limit=abc', 'limit=1.5', 'limit='])(
    'refuses %s',
    async (query) => {
      const { status, json } = await target.call(`${path}?user_id=someone&${query}`);
      expect({ status, json }).toMatchObject({ status: 400, json: { code: 'invalid_request' } });
    },
  );

  it.each(['garbled', '-1', '%00', "'; DROP TABLE messages;--"])(
    'refuses the cursor %s',
    async (cursor) => {
      const { status, json } = await target.call(
        `${path}?user_id=someone&cursor=${encodeURIComponent(decodeURIComponent(cursor))}`,
      );
      expect({ status, json }).toMatchObject({
        status: 400,
        json: { errors: [{ path: 'cursor' }] },
      });
    },
  );
});

describe.each(['/conversations', '/chats', '/chat/conversations'])('the messages of %s', (path) => {
  it('are oldest first and come in pages', async () => {
    const [id = ''] = await conversationsOf(unique('user'), 1);
    for (const message of ['one', 'two', 'three'])
      await target.call(`/conversations/${id}/messages`, { json: { message } });
    const found = await pages(`${path}/${id}/messages?limit=4`);
    expect(found.map((page) => page.map((item) => item.sequence_number))).toEqual([
      [1, 2, 3, 4],
      [5, 6],
    ]);
    const all = await target.call<Item[]>(`${path}/${id}/messages/`);
    expect(all.json.map(({ id }) => id)).toEqual(found.flat().map(({ id }) => id));
    expect(all.headers.link).toBeUndefined();
  });

  it.each(['limit=0', 'limit=201', 'limit=x', 'cursor=garbled', 'cursor=-1', 'cursor=1x'])(
    'refuse %s',
    async (query) => {
      const [id = ''] = await conversationsOf(unique('user'), 1);
      const { status } = await target.call(`${path}/${id}/messages?${query}`);
      expect(status).toBe(400);
    },
  );
});

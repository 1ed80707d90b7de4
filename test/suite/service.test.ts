import { expect, it } from 'vitest';
import { suiteTarget } from './target.ts';

const target = suiteTarget();

it('is well', async () => {
  const { status, json } = await target.call('/health');
  expect({ status, json }).toMatchObject({ status: 200, json: { status: 'ok', database: 'ok' } });
});

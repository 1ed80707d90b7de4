import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  ingestEvents,
  nativeEvents,
  type Described,
} from '../../../../src/host/build/protocol/event-schemas.ts';
import { serverFrames } from '../../../../src/host/build/protocol/frame-schemas.ts';
import { protocolPage } from '../../../../src/host/build/protocol/page.ts';
import { repository } from '../../../support/places.ts';

it('docs/protocol.md is what `npm run docs:protocol` writes', () => {
  const written = readFileSync(join(repository, 'docs/protocol.md'), 'utf8');
  expect(written).toBe(protocolPage());
});

const all: Record<string, Described> = { ...nativeEvents, ...ingestEvents, ...serverFrames };

describe.each(Object.entries(all))('the example of %s', (_, { fields, example }) => {
  it('has no field that its schema does not have', () => {
    expect(Object.keys(fields.shape)).toEqual(expect.arrayContaining(Object.keys(example)));
  });
});

import { expect, it } from 'vitest';
import { Id } from '../../../../src/host/telemetry/id.ts';

/** More than a block of random bytes has. */
const MANY = 1_000;

it('makes ids of the wanted length that are all different', () => {
  const ids = Array.from({ length: MANY }, (_, at) => Id.random(at % 3 === 0 ? 16 : 8));
  const digits = ids.map((id) => id.digits);
  expect(new Set(digits).size).toBe(MANY);
  digits.forEach((each, at) =>
    expect(each).toMatch(at % 3 === 0 ? /^[\da-f]{32}$/u : /^[\da-f]{16}$/u),
  );
  // No two share bytes either: the half of one is in no other.
  const halves = digits.flatMap((each) => each.match(/.{16}/gu) ?? []);
  expect(new Set(halves).size).toBe(halves.length);
});

it('reads an id from its digits', () => {
  const { bytes, at, length, digits } = Id.from('00ff0a7f8000b201');
  expect(Array.from(bytes.subarray(at, at + length))).toEqual([0, 255, 10, 127, 128, 0, 178, 1]);
  expect(digits).toBe('00ff0a7f8000b201');
});

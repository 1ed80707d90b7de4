import { describe, expect, it } from 'vitest';
import { presentedCredential, refuseInAddress } from '../../../src/auth/presented.ts';

const present = (headers: Record<string, string>, more = {}) =>
  presentedCredential({ headers: new Headers(headers), ...more });

describe('the credential of a request', () => {
  it.each([
    ['Authorization', { authorization: 'Bearer abc' }, 'header'],
    ['Authorization in other letters', { authorization: '  bearer   abc ' }, 'header'],
    ['X-API-Key', { 'x-api-key': 'abc' }, 'header'],
    ['the cookie of a session', { cookie: 'other=1; parley_session=abc' }, 'cookie'],
    ['both headers, which agree', { authorization: 'Bearer abc', 'x-api-key': 'abc' }, 'header'],
  ])('is found in %s', (_, headers, place) => {
    expect(present(headers)).toEqual({ text: 'abc', place });
  });

  it('is a ticket where the address has one', () => {
    expect(present({}, { ticket: 'abc' })).toEqual({ text: 'abc', place: 'address' });
  });

  it.each([
    ['there is none', {}],
    ['two headers differ', { authorization: 'Bearer abc', 'x-api-key': 'abd' }],
    ['a header and a cookie differ', { 'x-api-key': 'abc', cookie: 'parley_session=abd' }],
  ])('is refused where %s', (_, headers) => {
    expect(() => present(headers)).toThrow(expect.objectContaining({ code: 'unauthenticated' }));
  });

  it.each(['Basic YTpi', 'Bearer', 'Bearer a b', 'abc'])('is no key in %s', (authorization) => {
    expect(present({ authorization }).text).not.toMatch(/^[\w-]+$/u);
  });

  it('is neither of two cookies of one name', () => {
    const { text } = present({ cookie: 'parley_session=abc; parley_session=abd' });
    expect(['abc', 'abd']).not.toContain(text);
  });

  it('is not looked for in a cookie where that is not wanted', () => {
    const headers = { cookie: 'parley_session=abc' };
    expect(() => present(headers, { withoutCookie: true })).toThrow();
  });
});

it.each(['access_token', 'API_KEY', 'token', 'Key'])('refuses %s in an address', (name) => {
  expect(() => refuseInAddress(['message', name])).toThrow('does not belong in an address');
});

it('takes a ticket in an address', () => {
  expect(() => refuseInAddress(['message', 'ticket'])).not.toThrow();
});

import { expect, it } from 'vitest';
import { serviceAddress } from '../../../../src/models/chat/service-address.ts';

it.each([
  ['openai', undefined, 'api.openai.com', 443],
  ['groq', 'http://localhost:11434/v1', 'localhost', 11_434],
  ['google', 'http://[::1]/v1beta', '[::1]', 80],
  ['openai', 'https://user:secret@models.example/v1?key=secret', 'models.example', 443],
] as const)('says where %s is asked at %s', (provider, url, address, port) => {
  expect(serviceAddress(provider, url)).toEqual({
    ...{ 'server.address': address, 'server.port': port },
  });
});

it('says nothing of the offline models, and of what is no address', () => {
  expect(serviceAddress('offline')).toEqual({});
  expect(serviceAddress('openai', 'nowhere')).toEqual({});
});

import { testCases } from './quick.ts';

testCases('workerd', [
  'cancel-races',
  'idempotency-50',
  'leave-event-k',
  'event-source',
  'usage-is-what-was-counted',
]);

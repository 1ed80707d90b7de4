import { testCases } from './quick.ts';

testCases('workerd', [
  'cancel-races',
  'idempotency-50',
  'leave-event-k',
  'steering-kill-9',
  'event-source',
  'usage-is-what-was-counted',
]);

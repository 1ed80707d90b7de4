import { testCases } from './quick.ts';

testCases('workerd', [
  'cancel-races',
  'idempotency-50',
  'leave-event-k',
  'steering-kill-9',
  'tool-kill-9-approval',
  'event-source',
  'usage-is-what-was-counted',
]);

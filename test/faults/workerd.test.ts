import { testCases } from './quick.ts';

testCases('workerd', [
  'cancel-races',
  'idempotency-50',
  'leave-event-k',
  'door-leave-event-k',
  'door-kill-9-event-k',
  'steering-kill-9',
  'tool-kill-9-approval',
  'event-source',
  'usage-is-what-was-counted',
]);

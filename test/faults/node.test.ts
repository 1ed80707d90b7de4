import { testCases } from './quick.ts';

testCases('node', [
  'cancel-races',
  'idempotency-50',
  'leave-event-k',
  'busy',
  'event-source',
  'upstream-byte-k',
  'database-request-k',
  'database-down-before',
  'file-locked',
  'kill-9-any-moment',
  'steering-kill-9',
  'steering-two-processes',
  'tree-kill-9',
  'tree-races-two-processes',
  'tree-idempotency-20',
  'tree-delete-running',
  'checkpoint-hangs',
  'usage-is-what-was-counted',
  'budget-races',
]);

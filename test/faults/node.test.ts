/** Those that find most in little time; `test/slow/faults.test.ts` has the others. */
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
  'door-leave-event-k',
  'door-kill-9-event-k',
  'steering-kill-9',
  'tool-kill-9-call',
  'tree-kill-9',
]);

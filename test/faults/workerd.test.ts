/** Those that find most in little time; `test/slow/faults-workerd.test.ts` has the others. */
import { testCases } from './quick.ts';

testCases('workerd', [
  'cancel-races',
  'idempotency-50',
  'leave-event-k',
  'door-leave-event-k',
  'door-kill-9-event-k',
]);

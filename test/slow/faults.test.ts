/** A few rounds of the cases that take longest, on Node. */
import { testCases } from '../faults/quick.ts';

testCases('node', [
  'door-cut-any-moment',
  'door-upstream-token-k',
  'door-packages-cut',
  'tool-kill-9-approval',
  'steering-two-processes',
  'tree-races-two-processes',
  'tree-idempotency-20',
  'tree-delete-running',
  'checkpoint-hangs',
  'usage-is-what-was-counted',
  'budget-races',
]);

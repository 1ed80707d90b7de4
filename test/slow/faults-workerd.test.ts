/** A few rounds of the cases that take longest, on workerd. */
import { testCases } from '../faults/quick.ts';

testCases('workerd', [
  'steering-kill-9',
  'tool-kill-9-approval',
  'event-source',
  'usage-is-what-was-counted',
]);

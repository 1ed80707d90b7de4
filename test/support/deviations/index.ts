/** All of the table. */
import { calls } from './calls.ts';
import type { Deviation } from './deviation.ts';
import { errors } from './errors.ts';
import { events } from './events.ts';
import { framing } from './framing.ts';
import { hosts } from './hosts.ts';
import { makers } from './makers.ts';
import { ownWires } from './own-wires.ts';
import { contents, finishes } from './said.ts';
import { servers } from './servers.ts';

export const DEVIATIONS: readonly Deviation[] = [
  ...framing,
  ...events,
  ...contents,
  ...finishes,
  ...calls,
  ...errors,
  ...hosts,
  ...makers,
  ...servers,
  ...ownWires,
];

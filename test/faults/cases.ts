/** Every case, those most likely to find something first. */
import type { FaultCase } from './case.ts';
import { browsers } from './cases/browser.ts';
import { budgets } from './cases/budgets.ts';
import { busy } from './cases/busy.ts';
import { cancelRaces } from './cases/cancel.ts';
import { cursors } from './cases/cursors.ts';
import { databaseRequests } from './cases/database-requests.ts';
import { doorKill } from './cases/door-kill.ts';
import { doorPackages } from './cases/door-packages.ts';
import { doors } from './cases/doors.ts';
import { eventSources } from './cases/event-source.ts';
import { files } from './cases/files.ts';
import { idempotency } from './cases/idempotency.ts';
import { kill } from './cases/kill.ts';
import { leaving } from './cases/leave.ts';
import { many } from './cases/many.ts';
import { outages } from './cases/outage.ts';
import { owners } from './cases/owners.ts';
import { steering } from './cases/steering.ts';
import { tools } from './cases/tools.ts';
import { treeKeys } from './cases/tree-keys.ts';
import { trees } from './cases/tree.ts';
import { uploads } from './cases/uploads.ts';
import { usage } from './cases/usage.ts';
import { upstreamCuts } from './cases/upstream.ts';

export const cases: FaultCase[] = [
  ...databaseRequests,
  ...kill,
  ...doors,
  ...doorKill,
  ...doorPackages,
  ...steering,
  ...tools,
  ...trees,
  ...treeKeys,
  ...cancelRaces,
  ...idempotency,
  ...leaving,
  cursors,
  ...busy,
  ...outages,
  ...owners,
  ...eventSources,
  ...browsers,
  ...files,
  ...uploads,
  ...upstreamCuts,
  ...usage,
  ...budgets,
  ...many,
];

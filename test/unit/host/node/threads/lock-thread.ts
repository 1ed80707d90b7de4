// A thread for tests that writes to a database without a pause, and says how often it could.
import { parentPort, workerData } from 'node:worker_threads';
import { connectFile } from '../../../../../src/host/node/database/libsql-file.ts';
import { WriteLock } from '../../../../../src/host/node/database/write-lock.ts';

const { url, lockMemory, writes } = workerData as {
  url: string;
  lockMemory: SharedArrayBuffer;
  writes: number;
};
const db = connectFile(url, new WriteLock(lockMemory));
parentPort?.postMessage('begun', []);
for (let at = 0; at < writes; at++) {
  // Long enough that two writers meet.
  const sql = `insert into numbers with recursive n(x) as
    (select 1 union all select x + 1 from n where x < 20000) select max(x) from n`;
  await db.batch([{ sql, args: [] }], 'write');
}
db.close();

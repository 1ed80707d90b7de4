// Writes the page on the protocol. A script: `npm run docs:protocol`.
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { protocolPage } from './protocol/page.ts';

await writeFile(resolve(import.meta.dirname, '../../../docs/protocol.md'), protocolPage());

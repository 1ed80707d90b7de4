/**
 * `npm run bench:page`: what the page costs a browser. Times are those of the main thread's CPU,
 * since a clock says more about the machine than about the page; interactions alone are measured
 * by the clock. In need of Chromium. bench/README.md explains the figures.
 */
import { startChromium } from '../../test/support/chromium.ts';
import { startServer } from '../../test/support/server.ts';
import { startUpstream } from '../../test/support/upstream.ts';
import { MEASURES } from './measures.ts';

const only = process.argv[2]?.split(',');
const upstream = await startUpstream();
const server = await startServer({ env: upstream.env });
const browser = await startChromium();
let isOver = false;
try {
  for (const [name, measure] of Object.entries(MEASURES)) {
    if (only && !only.includes(name)) continue;
    console.log(`\n${name}`);
    for (const { what, value, budget } of await measure({ upstream, server, browser })) {
      const isWithin = budget === undefined || value <= budget;
      isOver ||= !isWithin;
      const limit = budget === undefined ? '' : ` of ${budget}${isWithin ? '' : '  OVER'}`;
      console.log(`  ${what.padEnd(58)} ${Number(value.toPrecision(3))}${limit}`);
    }
  }
} finally {
  await browser.close();
  await server.close();
  await upstream.close();
}
process.exitCode = isOver ? 1 : 0;

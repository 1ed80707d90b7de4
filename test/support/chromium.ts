/** Starts the Chromium of this machine, without a window. */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const PLACES = [
  process.env['CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The path of Chromium; undefined where there is none. */
export const chromiumPath = PLACES.find((place) => place !== '' && existsSync(place));

/** Starts a browser. @throws Error where there is none */
export function startChromium(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error('no Chromium here; CHROMIUM names its place');
  return chromium.launch({ executablePath: chromiumPath, args: ARGUMENTS });
}

/** Extracts the text of diagrams (SmartArt), which are parts of their own. */
import { textsOf } from './xml.ts';

/** Returns the texts of a diagram (SmartArt), each on a line. */
export function diagramText(bytes: Uint8Array): string {
  return textsOf(bytes, new Set(['p'])).join('\n');
}

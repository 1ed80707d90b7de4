/** SHA-256 of bytes that arrive piece by piece, by Node's module, which Workers have too. */
import { createHash } from 'node:crypto';
import type { Hash } from '../core/file.ts';

export function newHash(): Hash {
  const hash = createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') };
}

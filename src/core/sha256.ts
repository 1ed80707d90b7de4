/** SHA-256 by WebCrypto, and in place where the host can do that. */

type HashText = (text: string) => string;

/** The longest text that is hashed in place, in UTF-16 units: it takes some 50 µs. */
const SHORT = 16_384;

let hashShort: HashText | undefined;

/**
 * Lets a host hash short texts in place. Where WebCrypto hands each to a thread, waiting for that
 * takes twenty times as long as hashing, and a history is hashed message by message.
 */
export function hashShortTextsWith(hash: HashText): void {
  hashShort = hash;
}

/** Returns the SHA-256 of a text (as UTF-8) or of bytes, in hexadecimal. */
export async function sha256(content: string | Uint8Array<ArrayBuffer>): Promise<string> {
  if (typeof content !== 'string') return digestOf(content);
  if (hashShort && content.length <= SHORT) return hashShort(content);
  return digestOf(new TextEncoder().encode(content));
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Returns the 32-bit FNV-1a hash of a text's UTF-16 units, as a signed integer. It is fast, and of
 * no use against whoever wants texts to collide (http://www.isthe.com/chongo/tech/comp/fnv/).
 */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}

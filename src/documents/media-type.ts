/** Tells images and audio by their first bytes. */

/** Bytes that are enough to tell. */
export const MEDIA_HEAD = 16;

/** The first bytes as latin1; a dot stands for any byte. */
const SIGNATURES: readonly (readonly [RegExp, string])[] = [
  [/^\x89PNG\r\n\x1a\n/, 'image/png'],
  [/^\xff\xd8\xff/, 'image/jpeg'],
  [/^GIF8[79]a/, 'image/gif'],
  [/^RIFF[^]{4}WEBP/, 'image/webp'],
  [/^RIFF[^]{4}WAVE/, 'audio/wav'],
  [/^ID3[\x02-\x04]/, 'audio/mpeg'],
  // The head of a frame of layer III, of MPEG 1, 2 or 2.5.
  [/^\xff[\xe2\xe3\xf2\xf3\xfa\xfb][^\xf0-\xff]/, 'audio/mpeg'],
  [/^OggS\0/, 'audio/ogg'],
  [/^fLaC\0/, 'audio/flac'],
  [/^[^]{4}ftypM4[AB] /, 'audio/mp4'],
];

/**
 * Returns the MIME type of an image or of audio that models take; undefined for anything else.
 * @param head the first {@link MEDIA_HEAD} bytes
 */
export function mediaTypeOf(head: Uint8Array): string | undefined {
  const text = String.fromCharCode(...head.subarray(0, MEDIA_HEAD));
  return SIGNATURES.find(([start]) => start.test(text))?.[1];
}

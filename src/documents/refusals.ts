/** Why a document is not taken. */
import { ParleyError } from '../core/errors.ts';

/** The document is broken, locked, or holds no text. */
export function unreadable(detail: string, cause?: unknown): ParleyError {
  return new ParleyError({ code: 'document_unreadable', detail }, { cause });
}

/** The document, or what is in it, is more than is read. */
export function tooLarge(detail: string): ParleyError {
  return new ParleyError({ code: 'payload_too_large', detail });
}

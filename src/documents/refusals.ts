/** The errors for documents that are refused. */
import { ParleyError } from '../core/errors.ts';

/** Returns the error for a document that is broken, locked, or without text. */
export function unreadable(detail: string, cause?: unknown): ParleyError {
  return new ParleyError({ code: 'document_unreadable', detail }, { cause });
}

/** Returns the error for a document that is too large, or that holds too much. */
export function tooLarge(detail: string): ParleyError {
  return new ParleyError({ code: 'payload_too_large', detail });
}

/** Corrects the language of a document, in which its words have their stems. */
import { headingLineOf, type Document } from '../core/document.ts';
import { invalid, notFound } from '../core/errors.ts';
import { ANYONE } from '../core/principal.ts';
import {
  beginCorrection,
  endCorrection,
  readChunks,
  readVersionNumber,
  replaceWords,
  type ChunkWords,
  type Correction,
  type StoredChunk,
} from '../store/documents/correct-language.ts';
import type { Database } from '../store/database.ts';
import { readDocument, readDocumentText } from '../store/documents/documents.ts';
import { languageOf, loadLanguages } from '../text/languages.ts';
import { keywordText } from '../text/words.ts';
import { BATCH, followIngest, type IngestDependencies } from './ingest.ts';

/**
 * Gives a document a language, once its ingest is done; null finds it in the text again.
 * @throws ParleyError `not_found` when it is gone, `invalid_request` when searches see nothing of
 *   it
 */
export async function correctLanguage(
  id: string,
  wanted: string | null,
  dependencies: IngestDependencies,
): Promise<Document> {
  const { db, leaseMs } = dependencies;
  const document = await followIngest(id, dependencies);
  const version = await readVersionNumber(db, id);
  if (!document) throw notFound('Document');
  if (version === null)
    throw invalid('language', 'The document has no text yet: send it again with its language');
  const text = wanted === null ? await readDocumentText(db, { id, principal: ANYONE }) : undefined;
  const language = wanted ?? (await languageOf(text ?? ''));
  if (language === document.language && document.analysis !== null) return document;
  const correction = { id, userId: document.userId, version, language };
  await beginCorrection(db, correction);
  const isWhole = await replaceAll(document, correction, dependencies);
  if (isWhole) await endCorrection(db, correction, document.analysis);
  const corrected = await readDocument(db, { id, principal: ANYONE, leaseMs });
  if (!corrected) throw notFound('Document');
  return corrected;
}

/**
 * Returns the language of a document if somebody gave it: another than its text tells. A text that
 * replaces this one keeps it.
 */
export async function givenLanguage(
  { id, language }: Document,
  db: Database,
): Promise<string | undefined> {
  if (language === null) return undefined;
  const text = await readDocumentText(db, { id, principal: ANYONE });
  return language === (await languageOf(text ?? '')) ? undefined : language;
}

/** @returns false when the document was replaced, deleted or corrected otherwise meanwhile */
async function replaceAll(
  { title, chunkCount }: Document,
  correction: Correction,
  { db }: IngestDependencies,
): Promise<boolean> {
  const { language } = correction;
  await loadLanguages([language]);
  for (let from = 0; from < chunkCount; from += BATCH) {
    const chunks = await readChunks(db, correction, { from, limit: BATCH });
    const words = chunks.map((chunk) => wordsOf(chunk, { title, language }));
    if (!(await replaceWords(db, correction, words))) return false;
  }
  return true;
}

/** Returns the words of a chunk for the keyword index. */
export function wordsOf(
  { ordinal, headings, text }: StoredChunk,
  { title, language }: { title: string; language: string | null },
): ChunkWords {
  const above = headingLineOf({ title, headings: [...headings], text });
  return {
    ordinal,
    titleWords: keywordText(above, language),
    textWords: keywordText(text, language),
  };
}

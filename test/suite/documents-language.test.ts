/** The language of a document: found in its text, given, corrected, and matched by questions. */
import { describe, expect, it } from 'vitest';
import { post, search } from './documents-client.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

const GERMAN =
  'Die Kündigung des Vertrages ist nur zum Ende eines Monats möglich, und sie muss dem Vermieter ' +
  'vor dem ersten Tag des Monats vorliegen, der auf die Erklärung folgt.';
const ENGLISH =
  'The lease can only be ended at the end of a month, and the landlord has to have the letter ' +
  'before the first day of the month that follows it.';

const ITALIAN =
  'Gli inquilini che vogliono lasciare la casa devono scrivere una lettera al proprietario prima ' +
  'della fine del mese, e il contratto finisce con il mese che segue.';

interface Described {
  document_id: string;
  language: string | null;
}

async function sent(fields: object): Promise<Described> {
  const { status, text, json } = await post(fields);
  if (status !== 200) throw new Error(`${status} ${text}`);
  return json as unknown as Described;
}

function correct(id: string, json: object) {
  return target.call<Described>(`/documents/${id}`, { method: 'PATCH', json });
}

describe.concurrent('the language of a document', () => {
  it('is found in its text, by script or by its words, where these say it for sure', async () => {
    const user_id = unique('user');
    const language = async (text: string) => (await sent({ user_id, text })).language;
    expect(await language(GERMAN)).toBe('de');
    expect(await language(ENGLISH)).toBe('en');
    expect(await language('Η σύμβαση λήγει.')).toBe('el');
    expect(await language('Der Termin')).toBe(null);
    const { json } = await target.call<Described[]>(`/documents?user_id=${user_id}`);
    expect(json.map((document) => document.language)).toEqual([null, 'el', 'en', 'de']);
  });

  it('gives its words their stems, which questions have in each language of the library', async () => {
    const user_id = unique('user');
    const find = async (query: string) =>
      (await search({ user_id, query, mode: 'keyword' })).map(({ title }) => title);
    await post({ user_id, title: 'en', text: ENGLISH });
    expect(await find('Kündigungen eines Mieters')).toEqual([]);
    await post({ user_id, title: 'de', text: GERMAN });
    await post({ user_id, title: 'el', text: 'Ο ενοικιαστής καταγγέλλει τις συμβάσεις.' });
    expect(await find('Kündigungen eines Mieters')).toEqual(['de']);
    expect(await find('η σύμβαση')).toEqual(['el']);
    await post({ user_id, title: 'it', text: ITALIAN });
    expect(await find('contratti di un inquilino')).toEqual(['it']);
    expect(await find('landlords')).toEqual(['en']);
  });

  it('is taken from the request, without region and script', async () => {
    const user_id = unique('user');
    expect(await sent({ user_id, text: ENGLISH, language: 'de-AT' })).toMatchObject({
      language: 'de',
    });
    const { status, json } = await post({ user_id, text: ENGLISH, language: 'not a language' });
    expect([status, json.detail]).toEqual([400, expect.stringContaining('language')]);
  });

  it('is corrected, and its words with it', async () => {
    const user_id = unique('user');
    const find = async (query: string) =>
      (await search({ user_id, query, mode: 'keyword' })).length;
    const text = 'Kündigung. '.repeat(3);
    const { document_id, language } = await sent({ user_id, text });
    expect([language, await find('Kündigungen')]).toEqual([null, 0]);
    expect((await correct(document_id, { language: 'de' })).json).toMatchObject({ language: 'de' });
    expect(await find('Kündigungen')).toBe(1);
    // The same text sent again with another language is the same document, corrected.
    expect(await sent({ user_id, text, language: 'en' })).toMatchObject({ document_id });
    expect([await find('Kündigungen'), await find('Kündigung')]).toEqual([0, 1]);
    expect((await correct(document_id, { language: null })).json.language).toBe(null);
  });

  it('stays when the text is replaced, if somebody gave it', async () => {
    const user_id = unique('user');
    const text = 'Kündigung. '.repeat(3);
    const { document_id } = await sent({ user_id, text });
    await correct(document_id, { language: 'de' });
    const later = { user_id, document_id, text: 'Kündigungen der Verträge' };
    expect(await sent(later)).toMatchObject({ document_id, language: 'de' });
    expect(await search({ user_id, query: 'Vertrag', mode: 'keyword' })).toHaveLength(1);
    expect((await sent({ ...later, language: 'nl' })).language).toBe('nl');
    // What its text told is told by the next one.
    const found = await sent({ user_id, text: GERMAN });
    expect(found.language).toBe('de');
    expect(await sent({ user_id, document_id: found.document_id, text: ENGLISH })).toMatchObject({
      language: 'en',
    });
  });

  it('is corrected by the owner alone, and to a language', async () => {
    const { document_id } = await sent({ user_id: unique('user'), text: GERMAN });
    const of = `?user_id=${unique('other')}`;
    const stranger = { method: 'PATCH', json: { language: 'nl' } };
    expect((await target.call(`/documents/${document_id}${of}`, stranger)).status).toBe(404);
    expect((await correct(document_id, { language: '' })).status).toBe(400);
    expect((await correct(document_id, {})).status).toBe(400);
    expect((await correct(unique('none'), { language: 'nl' })).status).toBe(404);
  });
});

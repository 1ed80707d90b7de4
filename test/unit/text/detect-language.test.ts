import { expect, it } from 'vitest';
import { detectLanguage, foreignContent } from '../../../src/text/detect-language.ts';

const ENGLISH =
  'The flow of the air over a wing is what lifts it, and it depends on how fast it is going.';
const GERMAN =
  'Die Strömung der Luft über dem Flügel ist es, die ihn hebt, und sie hängt davon ab, wie schnell er ist.';
const THAI = 'การไหลของอากาศเหนือปีกคือสิ่งที่ยกปีกขึ้น และขึ้นอยู่กับความเร็ว';

it('tells the language of texts of one script, with and without other characters', () => {
  expect(detectLanguage(ENGLISH)).toBe('en');
  expect(detectLanguage(`“${ENGLISH}” – 12 °C`)).toBe('en');
  expect(detectLanguage(GERMAN)).toBe('de');
  expect(detectLanguage(THAI)).toBe('th');
  expect(detectLanguage('Η ροή του αέρα πάνω από το φτερό')).toBe('el');
  expect(detectLanguage('翼の上の空気の流れが揚力を生む')).toBe('ja');
});

it('goes by the script that has most of the letters', () => {
  expect(detectLanguage(`${THAI} NASA, wing and flow`)).toBe('th');
  expect(detectLanguage(`${ENGLISH} ${ENGLISH} ปีก`)).toBe('en');
  expect(detectLanguage(`${ENGLISH} ${THAI}`)).toBeNull();
});

it('says nothing of what is short, or has no letters', () => {
  expect(detectLanguage('The wing')).toBeNull();
  expect(detectLanguage('12 + 34 = 46')).toBeNull();
  expect(detectLanguage('')).toBeNull();
});

it('tells the content of a question that is not in English', () => {
  const content = foreignContent("Quelle est l'altitude de la capitale du Pérou ?");
  expect(content?.match(/\p{L}+/gu)).toEqual(['altitude', 'capitale', 'Pérou']);
  expect(foreignContent('Wie hoch ist die Zugspitze?')?.trim()).toMatch(/^hoch +Zugspitze\?$/);
});

it('tells nothing of a question in English, or without function words', () => {
  expect(foreignContent('Where is the capital of Peru?')).toBeUndefined();
  expect(foreignContent('How do I play La Traviata by Die Toten Hosen?')).toBeUndefined();
  expect(foreignContent('refund policy')).toBeUndefined();
  expect(foreignContent('เมืองหลวงของเปรูคืออะไร')).toBeUndefined();
  expect(foreignContent('')).toBeUndefined();
});

it('tells a question whose words have accents', () => {
  const question = 'Thủ đô nước Pháp ở đâu?';
  expect(foreignContent(question)).toBe(question);
  expect(foreignContent('Beyoncé')).toBeUndefined();
  expect(foreignContent('Who are Beyoncé and Zoë?')).toBeUndefined();
  expect(foreignContent('résumé templates, résumé layouts')).toBeUndefined();
});

it('leaves a question whole that has no content', () => {
  expect(foreignContent('Qui est-ce que vous êtes ?')).toBe('Qui est-ce que vous êtes ?');
});

import { describe, expect, it } from 'vitest';
import { TextShape } from '../../../../src/models/chat-stream/text-shape.ts';

/** Returns a chunk with this content, which may be any JSON. */
function chunk(content: string, more = ''): string {
  return `{"id":"1","choices":[{"index":0,"delta":{"content":${content}${more}}}]}`;
}

function shapeOf(json: string, text: string): TextShape {
  const shape = new TextShape();
  shape.learn(json, text);
  return shape;
}

describe('The shape of an event', () => {
  it.each([
    ['plain text', '" world"', ' world'],
    ['escapes', String.raw`"a\n\"b\"\u00e9"`, 'a\n"b"é'],
    ['text beyond ASCII', '"naïve 😀"', 'naïve 😀'],
    ['an escaped backslash at the end', String.raw`"a\\"`, 'a\\'],
  ])('tells %s of an event like the one before', (_, content, text) => {
    expect(shapeOf(chunk('"hello"'), 'hello').textOf(chunk(content))).toBe(text);
  });

  it.each([
    ['nothing was learned', undefined, chunk('"b"')],
    ['another field follows', chunk('"a"'), chunk('"b"', ',"refusal":"no"')],
    ['the text is followed by a field of its own', chunk('"a"'), chunk('"b","refusal":"no"')],
    ['the text is empty', chunk('"a"'), chunk('""')],
    ['the text is null', chunk('"a"'), chunk('null')],
    ['the text is no JSON', chunk('"a"'), chunk(String.raw`"\x"`)],
    ['the text holds a line break', chunk('"a"'), chunk('"\n"')],
    ['the event is cut', chunk('"a"'), chunk('"b"').slice(0, -1)],
    ['two fields have the name', chunk('"a"', ',"content":"a"'), chunk('"b"', ',"content":"a"')],
    ['the text was read elsewhere', chunk('"other"'), chunk('"b"')],
  ])('leaves an event to the parser when %s', (_, learned, json) => {
    const shape = learned === undefined ? new TextShape() : shapeOf(learned, 'a');
    expect(shape.textOf(json)).toBeUndefined();
  });

  it('is learned anew when it changes', () => {
    const shape = shapeOf(chunk('"a"'), 'a');
    shape.learn(chunk('"b"', ',"p":2'), 'b');
    expect(shape.textOf(chunk('"c"'))).toBeUndefined();
    expect(shape.textOf(chunk('"c"', ',"p":2'))).toBe('c');
  });

  it('is no longer looked for in an answer whose events have none in common', () => {
    const shape = new TextShape();
    for (let at = 0; at < 8; at++) shape.learn(chunk('"a"', `,"p":${at}`), 'a');
    shape.learn(chunk('"a"'), 'a');
    expect(shape.textOf(chunk('"b"'))).toBeUndefined();
    expect(shape.textOf(chunk('"b"', ',"p":7'))).toBe('b');
  });
});

// Reduces OpenAI's description of its API to what the tests judge answers by: the schemas of the
// operations that this server has, without texts and examples. This is a script, see README.md.
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { asRecord, asText } from '../json.ts';

/** The operations that this server has. */
const OPERATIONS = [
  'post /chat/completions',
  'post /responses',
  'get /responses/{response_id}',
  'post /responses/{response_id}/cancel',
  'get /responses/{response_id}/input_items',
  'post /responses/compact',
  'post /conversations',
  'get /conversations/{conversation_id}',
  'post /conversations/{conversation_id}',
  'delete /conversations/{conversation_id}',
  'post /conversations/{conversation_id}/items',
  'get /conversations/{conversation_id}/items',
  'get /conversations/{conversation_id}/items/{item_id}',
  'delete /conversations/{conversation_id}/items/{item_id}',
  'post /embeddings',
  'get /models',
  'get /models/{model}',
  'post /vector_stores/{vector_store_id}/search',
];

/** What all of them say when they fail. */
const ERROR = 'ErrorResponse';

/** Keywords that do not say which values fit. */
const SAYS_NOTHING =
  /^(?:description|example|examples|title|summary|default|deprecated|format)$|^x-/u;

/** Keywords that validators of 2020-12 do not have. */
const IGNORED = new Set(['discriminator', '$recursiveAnchor']);

const [from, to] = process.argv.slice(2);
if (from === undefined) throw new Error('usage: reduce.ts openapi.json [schemas.json]');
const document = asRecord(JSON.parse(await readFile(from, 'utf8')));
const schemas = asRecord(asRecord(document['components'])['schemas']);
const kept = new Map<string, unknown>();

/** Returns a schema without what says nothing, and keeps those that it refers to. */
function reduced(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(reduced);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { nullable, ...own } = asRecord(schema);
  // A keyword of older drafts; only filters refer to themselves by it.
  if (own['$recursiveRef'] !== undefined) return { $ref: refTo('CompoundFilter') };
  const entries = Object.entries(own)
    .filter(([keyword]) => !SAYS_NOTHING.test(keyword) && !IGNORED.has(keyword))
    .map(([keyword, value]) => [keyword, keywordOf(keyword, value)]);
  const rest: unknown = Object.fromEntries(entries);
  // A keyword of OpenAPI 3.0, which 3.1 has no more.
  return nullable === true ? { anyOf: [rest, { type: 'null' }] } : rest;
}

function keywordOf(keyword: string, value: unknown): unknown {
  if (keyword === '$ref') return refTo(asText(value));
  if (keyword !== 'properties') return reduced(value);
  const properties = Object.entries(asRecord(value));
  return Object.fromEntries(properties.map(([name, property]) => [name, reduced(property)]));
}

function refTo(ref: string): string {
  const name = ref.slice(ref.lastIndexOf('/') + 1);
  if (!kept.has(name)) {
    kept.set(name, undefined);
    kept.set(name, reduced(schemas[name]));
  }
  return `#/$defs/${name}`;
}

/** Returns the schemas of an operation's request and answers; undefined where it has none. */
function schemasOf(operation: string) {
  const [method = '', path = ''] = operation.split(' ');
  const { requestBody, responses } = asRecord(asRecord(asRecord(document['paths'])[path])[method]);
  const schemaOf = (body: unknown, type: string) =>
    reduced(asRecord(asRecord(asRecord(body)['content'])[type])['schema']);
  const answer = asRecord(asRecord(responses)['200']);
  return {
    request: schemaOf(requestBody, 'application/json'),
    json: schemaOf(answer, 'application/json'),
    stream: schemaOf(answer, 'text/event-stream'),
  };
}

const operations = OPERATIONS.map((operation) => [operation, schemasOf(operation)] as const);
refTo(ERROR);
const version = asRecord(document['info'])['version'];
const lines = (entries: Iterable<readonly [string, unknown]>) =>
  [...entries].map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
const defs = [...kept].toSorted(([a], [b]) => (a < b ? -1 : 1));
const text = `{
"version": ${JSON.stringify(version)},
"operations": {
${lines(operations).join(',\n')}
},
"$defs": {
${lines(defs).join(',\n')}
}
}
`;
await writeFile(to ?? resolve(import.meta.dirname, 'vendor/schemas.json'), text);

/**
 * Reads an OpenAPI 3.1 description: its operations, and checks of requests and responses against
 * its schemas.
 */
import { z } from 'zod';
import type { IncomingHttpHeaders } from 'node:http';
import { asRecord, asText } from './json.ts';

export interface Operation {
  /** Lower case, as in the description. */
  method: string;
  /** With its `{parameters}`. */
  path: string;
}

export interface Description {
  operations: Operation[];
  /** Returns what is wrong with a request body; undefined when it fits. */
  wrongRequest(operation: Operation, body: unknown): string | undefined;
  /**
   * Returns what is wrong with a response (a status or media type that is not described, a body
   * that does not fit); undefined when it is as described.
   */
  wrongAnswer(operation: Operation, answer: DescribedAnswer): string | undefined;
  /** Returns the content that a response may have, by media type. */
  contentOf(operation: Operation, status: number): Record<string, unknown>;
  /** Returns the details of an operation: its id, summary, description and tags. */
  detailsOf(operation: Operation): Record<string, unknown>;
  /** Returns the JSON body of a request; undefined if it has none. */
  bodyOf(operation: Operation): unknown;
  /** Returns all bodies of its request and responses, named by status and media type. */
  contentsOf(operation: Operation): { name: string; media: unknown }[];
  /** Returns the example of a media type: its own, its schema's, or one made of its items'. */
  exampleOf(media: unknown): unknown;
  /** Returns the names of the headers that a response may have. */
  headersOf(operation: Operation, status: number): string[];
  /** Returns the names of the headers that a request may have. */
  requestHeadersOf(operation: Operation): string[];
}

/** The headers that must be described when they occur; others are the server's own. */
const DESCRIBED = [
  'location',
  'link',
  'retry-after',
  'x-request-id',
  'x-turn-id',
  'x-conversation-id',
];

export interface DescribedAnswer {
  status: number;
  contentType: string;
  json: unknown;
  headers: IncomingHttpHeaders;
}

/**
 * Reads a description.
 * @param document the parsed description
 */
export function readDescription(document: unknown): Description {
  const root = asRecord(document);
  const definitions = withLocalReferences(asRecord(asRecord(root['components'])['schemas']));
  const operationAt = ({ method, path }: Operation) =>
    asRecord(asRecord(asRecord(root['paths'])[path])[method]);
  const misfit = (schema: unknown, value: unknown) => {
    const complete = { ...asRecord(withLocalReferences(schema)), $defs: definitions };
    // A schema of the description is a JSON schema (2020-12), which is what the parameter wants.
    const parsed = z.fromJSONSchema(complete as z.core.JSONSchema.JSONSchema).safeParse(value);
    return parsed.success ? undefined : z.prettifyError(parsed.error);
  };
  const resolved = (value: unknown) => {
    const { $ref: reference } = asRecord(value);
    if (typeof reference !== 'string') return asRecord(value);
    return reference
      .split('/')
      .slice(1)
      .reduce<Record<string, unknown>>((at, name) => asRecord(at[name]), root);
  };
  const headersOf = (operation: Operation, status: number) => {
    const answer = asRecord(asRecord(operationAt(operation)['responses'])[status]);
    return Object.keys(asRecord(answer['headers'] ?? {})).map((name) => name.toLowerCase());
  };
  const exampleOfSchema = (schema: unknown): unknown => {
    const { example, type, items } = resolved(schema);
    if (example !== undefined || type !== 'array') return example;
    const item = exampleOfSchema(items);
    return item === undefined ? undefined : [item];
  };
  const contentsOf = (operation: Operation) => {
    const { requestBody = {}, responses } = operationAt(operation);
    const all = [['request', requestBody] as const, ...Object.entries(asRecord(responses))];
    return all.flatMap(([name, described]) =>
      Object.entries(asRecord(asRecord(described)['content'] ?? {})).map(([type, media]) => ({
        name: `${name} ${type}`,
        media,
      })),
    );
  };
  return {
    detailsOf: operationAt,
    contentsOf,
    bodyOf: (operation) =>
      contentsOf(operation).find(({ name }) => name === 'request application/json')?.media,
    exampleOf(media) {
      if (media === undefined) return undefined;
      const { example, examples = {}, schema } = asRecord(media);
      const [named] = Object.values(asRecord(examples)).map(asRecord);
      return example ?? named?.['value'] ?? exampleOfSchema(schema);
    },
    contentOf: (operation, status) =>
      asRecord(asRecord(asRecord(operationAt(operation)['responses'])[status])['content']),
    headersOf,
    requestHeadersOf(operation) {
      const parameters = operationAt(operation)['parameters'];
      return (Array.isArray(parameters) ? parameters : [])
        .map(resolved)
        .filter((parameter) => parameter['in'] === 'header')
        .map(({ name }) => asText(name).toLowerCase());
    },
    operations: Object.entries(asRecord(root['paths'])).flatMap(([path, item]) =>
      Object.keys(asRecord(item)).map((method) => ({ method, path })),
    ),
    wrongRequest(operation, body) {
      const content = asRecord(asRecord(operationAt(operation)['requestBody'])['content']);
      const media = asRecord(content['application/json']);
      return 'schema' in media ? misfit(media['schema'], body) : 'no body is described';
    },
    wrongAnswer(operation, { status, contentType, json, headers }) {
      const answers = asRecord(operationAt(operation)['responses']);
      if (!(status in answers)) return `status ${status} is not described`;
      const described = headersOf(operation, status);
      const unknown = DESCRIBED.find((name) => name in headers && !described.includes(name));
      if (unknown !== undefined) return `the header ${unknown} is not described for ${status}`;
      const { content } = asRecord(answers[status]);
      if (content === undefined) return undefined;
      const [type = ''] = contentType.split(';');
      const media = asRecord(content)[type];
      if (media === undefined) return `${type} is not described for ${status}`;
      return /[/+]json$/u.test(type) ? misfit(asRecord(media)['schema'], json) : undefined;
    },
  };
}

/**
 * Turns references to the description's components into references inside one schema, which zod
 * follows.
 */
function withLocalReferences<T>(schema: T): T {
  const text = JSON.stringify(schema).replaceAll('"#/components/schemas/', '"#/$defs/');
  return JSON.parse(text) as T;
}

/**
 * The page on the protocol, from the schemas of events and frames, the error codes and the limits.
 */
import { z } from 'zod';
import { ERROR_CODES } from '../../../core/errors.ts';
import { LARGEST_UPLOAD } from '../../../documents/extract.ts';
import { LONGEST_MESSAGE } from '../../../routes/shared/schemas.ts';
import { KEY_LIFETIME_MS } from '../../../store/idempotency-keys.ts';
import { problemOf } from '../../../wire/problem.ts';
import { advice } from './advice.ts';
import { ingestEvents, nativeEvents, type Described } from './event-schemas.ts';
import { serverFrames } from './frame-schemas.ts';
import { INTRODUCTION, READING, SOCKET, STEERING, STREAMS, TEXT_STREAM } from './prose.ts';

const HOUR_MS = 3_600_000;
const MEBIBYTE = 1024 * 1024;

/** Returns the page as Markdown. */
export function protocolPage(): string {
  return [
    INTRODUCTION,
    STREAMS,
    ...sections(nativeEvents, (name) => `event: ${name}`),
    STEERING,
    TEXT_STREAM,
    '## The events of an ingest\n\n`POST /documents` streams like a turn. The last event is `done` here, too.',
    ...sections(ingestEvents, (name) => `event: ${name}`),
    SOCKET,
    ...sections(serverFrames),
    '## Problems\n\nEvery error is `application/problem+json` (RFC 9457). `code` is one of these:',
    problems(),
    READING,
    limits(),
  ]
    .join('\n\n')
    .concat('\n');
}

function sections(described: Record<string, Described>, head?: (name: string) => string): string[] {
  return Object.entries(described).map(([name, { when, fields, example }]) => {
    const sample = head
      ? `${head(name)}\ndata: ${JSON.stringify(example)}`
      : JSON.stringify({ type: name, ...example });
    return `### \`${name}\`\n\nComes ${when}.\n\n${table(fields)}\n\n\`\`\`text\n${sample}\n\`\`\``;
  });
}

interface Property {
  type?: string | string[];
  enum?: string[];
  anyOf?: Property[];
  items?: Property;
  description?: string;
}

function table(fields: z.ZodObject): string {
  // What it makes of an object is an object's schema.
  const { properties = {}, required = [] } = z.toJSONSchema(fields, {
    unrepresentable: 'any',
    reused: 'inline',
  }) as { properties?: Record<string, Property>; required?: string[] };
  const rows = Object.entries(properties).map(([name, property]) => {
    const optional = required.includes(name) ? '' : ', optional';
    return `| \`${name}\` | ${typeOf(property)}${optional} | ${property.description ?? ''} |`;
  });
  return ['| field | type | |', '|---|---|---|', ...rows].join('\n');
}

function typeOf({ type, enum: values, anyOf, items }: Property): string {
  if (values) return values.map((value) => `\`${value}\``).join(', ');
  if (anyOf) return anyOf.map(typeOf).join(' or ');
  if (Array.isArray(type)) return type.join(' or ');
  return type === 'array' ? `list of ${typeOf(items ?? {})}` : (type ?? 'any JSON');
}

function problems(): string {
  const rows = ERROR_CODES.map((code) => {
    const { status, title } = problemOf({ code, detail: '' }, '');
    return `| \`${code}\` | ${status} | ${title} | ${advice[code]} |`;
  });
  return ['| code | status | title | what to do |', '|---|---|---|---|', ...rows].join('\n');
}

function limits(): string {
  return [
    '| limit | value |',
    '|---|---|',
    `| characters of a message | ${LONGEST_MESSAGE} UTF-16 units |`,
    `| a document that is sent | ${LARGEST_UPLOAD / MEBIBYTE} MiB |`,
    `| how long an \`Idempotency-Key\` is remembered | ${KEY_LIFETIME_MS / HOUR_MS} hours |`,
  ].join('\n');
}

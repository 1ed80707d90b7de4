/** A collector of OpenTelemetry: it takes OTLP over HTTP and keeps what it was sent, decoded. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { asArray, asRecord } from './json.ts';
import { spansIn as binarySpansIn } from './protobuf.ts';

export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  /** 1 internal, 2 server, 3 client. */
  kind: number;
  /** 2 for an error. */
  status: number;
  attributes: Record<string, unknown>;
}

export interface ReceivedPoint {
  metric: string;
  unit: string;
  /** The sum of a counter or of a histogram, and how often a histogram was measured. */
  sum: number;
  count: number | undefined;
  attributes: Record<string, unknown>;
}

export interface OtlpReceiver {
  url: string;
  /** What is said of who sends, with the latest request. */
  resource(): Record<string, unknown>;
  spans(): ReceivedSpan[];
  /** The versions of the conventions by which spans and measures are named. */
  schemas(): string[];
  /** The points of the newest request with measures from each sender. */
  points(): ReceivedPoint[];
  /** The spans that came as protobuf, with the names of their attributes. */
  binarySpans(): { name: string; attributes: string[] }[];
  headers(): IncomingHttpHeaders[];
  /** All that has come, as text, to look for what must not be in it. */
  text(): string;
  /** From now on it takes requests and never answers. */
  hang(): void;
  close(): Promise<void>;
}

interface Taken {
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const taken: Taken[] = [];
  let hangs = false;
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { url: path = '', headers } = request;
      taken.push({ path, headers, body: Buffer.concat(pieces) });
      if (!hangs) response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // It listens on TCP.
  const { port } = server.address() as AddressInfo;
  const isJson = ({ headers }: Taken) => headers['content-type'] === 'application/json';
  const documents = (path: string) =>
    taken
      .filter((each) => each.path === path && isJson(each))
      .map(({ body }) => asRecord(JSON.parse(body.toString())));
  return {
    url: `http://127.0.0.1:${port}`,
    resource: () => {
      const [latest] = documents('/v1/traces').slice(-1);
      const [first] = asArray(latest?.['resourceSpans']);
      return attributesOf(asRecord(asRecord(first)['resource']));
    },
    spans: () => documents('/v1/traces').flatMap(spansIn),
    schemas: () => {
      const spans = documents('/v1/traces');
      const scopes = [
        ...spans.flatMap((each) => nested(each, ['resourceSpans', 'scopeSpans'])),
        ...documents('/v1/metrics').flatMap((each) =>
          nested(each, ['resourceMetrics', 'scopeMetrics']),
        ),
      ];
      return [...new Set(scopes.map(({ schemaUrl }) => String(schemaUrl)))];
    },
    points: () => newestBySender(documents('/v1/metrics')).flatMap(pointsIn),
    binarySpans: () =>
      taken.filter((each) => !isJson(each)).flatMap(({ body }) => binarySpansIn(body)),
    headers: () => taken.map(({ headers }) => headers),
    text: () => taken.map(({ body }) => body.toString('latin1')).join('\n'),
    hang: () => void (hangs = true),
    close: () => closeServer(server),
  };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function spansIn(document: Record<string, unknown>): ReceivedSpan[] {
  return nested(document, ['resourceSpans', 'scopeSpans', 'spans']).map((span) => ({
    traceId: String(span['traceId']),
    spanId: String(span['spanId']),
    parentSpanId: typeof span['parentSpanId'] === 'string' ? span['parentSpanId'] : undefined,
    name: String(span['name']),
    kind: Number(span['kind']),
    status: Number(asRecord(span['status'])['code'] ?? 0),
    attributes: attributesOf(span),
  }));
}

/** Measures are sums from the start of each process on: the newest of each counts. */
function newestBySender(documents: Record<string, unknown>[]): Record<string, unknown>[] {
  const newest = new Map<unknown, Record<string, unknown>>();
  for (const document of documents) {
    const [first] = asArray(document['resourceMetrics']);
    const { 'service.instance.id': sender } = attributesOf(asRecord(asRecord(first)['resource']));
    newest.set(sender, document);
  }
  return [...newest.values()];
}

function pointsIn(document: Record<string, unknown>): ReceivedPoint[] {
  return nested(document, ['resourceMetrics', 'scopeMetrics', 'metrics']).flatMap((metric) => {
    const data = asRecord(metric['sum'] ?? metric['histogram']);
    return asArray(data['dataPoints']).map((value) => {
      const point = asRecord(value);
      return {
        metric: String(metric['name']),
        unit: String(metric['unit']),
        sum: Number(point['sum'] ?? point['asDouble'] ?? point['asInt']),
        count: point['count'] === undefined ? undefined : Number(point['count']),
        attributes: attributesOf(point),
      };
    });
  });
}

/** The records at the end of a path of lists. */
function nested(from: Record<string, unknown>, path: readonly string[]): Record<string, unknown>[] {
  return path.reduce<Record<string, unknown>[]>(
    (records, name) => records.flatMap((record) => asArray(record[name]).map(asRecord)),
    [from],
  );
}

function attributesOf(record: Record<string, unknown>): Record<string, unknown> {
  const pairs = asArray(record['attributes'] ?? []).map(asRecord);
  return Object.fromEntries(pairs.map(({ key, value }) => [String(key), valueOf(asRecord(value))]));
}

function valueOf(value: Record<string, unknown>): unknown {
  if ('arrayValue' in value)
    return asArray(asRecord(value['arrayValue'])['values']).map((each) => valueOf(asRecord(each)));
  if ('intValue' in value) return Number(value['intValue']);
  return value['stringValue'] ?? value['doubleValue'] ?? value['boolValue'];
}

/** Reads an OpenAPI 3.1 description: its operations, and checks of what is sent against its schemas. */
import { z } from 'zod';
import { asRecord } from './json.ts';

export interface Operation {
  /** Lower case, as in the description. */
  method: string;
  /** With its `{parameters}`. */
  path: string;
}

export interface Description {
  operations: Operation[];
  /** What is wrong with a request body; undefined when it fits. */
  wrongRequest(operation: Operation, body: unknown): string | undefined;
  /**
   * What is wrong with an answer: a status or media type that is not described, a body that does not
   * fit; undefined when it is as described.
   */
  wrongAnswer(operation: Operation, answer: DescribedAnswer): string | undefined;
}

export interface DescribedAnswer {
  status: number;
  contentType: string;
  json: unknown;
}

/** @param document the parsed description */
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
  return {
    operations: Object.entries(asRecord(root['paths'])).flatMap(([path, item]) =>
      Object.keys(asRecord(item)).map((method) => ({ method, path })),
    ),
    wrongRequest(operation, body) {
      const content = asRecord(asRecord(operationAt(operation)['requestBody'])['content']);
      const media = asRecord(content['application/json']);
      return 'schema' in media ? misfit(media['schema'], body) : 'no body is described';
    },
    wrongAnswer(operation, { status, contentType, json }) {
      const answers = asRecord(operationAt(operation)['responses']);
      if (!(status in answers)) return `status ${status} is not described`;
      const { content } = asRecord(answers[status]);
      if (content === undefined) return undefined;
      const [type = ''] = contentType.split(';');
      const media = asRecord(content)[type];
      if (media === undefined) return `${type} is not described for ${status}`;
      return type.endsWith('json') ? misfit(asRecord(media)['schema'], json) : undefined;
    },
  };
}

/** References to the description's components as the references inside of one schema that zod follows. */
function withLocalReferences<T>(schema: T): T {
  const text = JSON.stringify(schema).replaceAll('"#/components/schemas/', '"#/$defs/');
  return JSON.parse(text) as T;
}

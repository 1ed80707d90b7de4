/** Reads the few fields of protobuf messages that tests look at. */

/** The length-delimited fields of a message with a number. */
function fieldsOf(message: Buffer, wanted: number): Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const [field, type] = [tag >>> 3, tag & 7];
    if (type === 0) varint();
    else if (type === 1) at += 8;
    else if (type === 5) at += 4;
    else {
      const length = varint();
      if (field === wanted) found.push(message.subarray(at, at + length));
      at += length;
    }
  }
  return found;
}

/** The messages at the end of a path of fields. */
function nested(message: Buffer, path: readonly number[]): Buffer[] {
  return path.reduce<Buffer[]>(
    (messages, field) => messages.flatMap((each) => fieldsOf(each, field)),
    [message],
  );
}

/**
 * The spans of an `ExportTraceServiceRequest`: `resource_spans` (1), `scope_spans` (2), `spans`
 * (2), of which the `name` (5) and each `key` (1) of the `attributes` (9) are read.
 */
export function spansIn(request: Buffer): { name: string; attributes: string[] }[] {
  return nested(request, [1, 2, 2]).map((span) => ({
    name: String(fieldsOf(span, 5)[0]),
    attributes: nested(span, [9, 1]).map(String),
  }));
}

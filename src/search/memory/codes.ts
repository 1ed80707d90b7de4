/**
 * Vectors as codes of twice 8 bits. The first ones choose candidates; with the second ones, their
 * cosines are exact but for a few millionths.
 */

/** The greatest absolute value of a code. */
const GREATEST = 127;
/** Steps of a second code in one step of a first. */
const FINER = 254;

export interface Code {
  numbers: Int8Array;
  /** The rest of each value that the numbers do not hold. */
  rest: Int8Array;
  /** The factor that makes a product with a unit vector a cosine; 0 without a vector. */
  scale: number;
}

export const NO_CODE: Code = { numbers: new Int8Array(), rest: new Int8Array(), scale: 0 };

/** Encodes a vector. */
export function codeOf(vector: ArrayLike<number>): Code {
  let most = 0;
  let squares = 0;
  for (let at = 0; at < vector.length; at++) {
    const value = vector[at]!;
    most = Math.max(most, Math.abs(value));
    squares += value * value;
  }
  if (squares === 0 || !Number.isFinite(squares)) return NO_CODE;
  const numbers = new Int8Array(vector.length);
  const rest = new Int8Array(vector.length);
  for (let at = 0; at < vector.length; at++) {
    const exact = (vector[at]! / most) * GREATEST;
    numbers[at] = Math.round(exact);
    rest[at] = Math.round((exact - numbers[at]!) * FINER);
  }
  return { numbers, rest, scale: most / GREATEST / Math.sqrt(squares) };
}

/** Computes the cosine of a unit vector with a code. */
export function cosineOf(unit: Float64Array, { numbers, rest, scale }: Code): number {
  let sum = 0;
  for (let at = 0; at < unit.length; at++) sum += unit[at]! * (numbers[at]! + rest[at]! / FINER);
  return sum * scale;
}

/** Returns a vector of length 1 in the same direction. */
export function unitOf(vector: readonly number[]): Float64Array {
  const length = Math.hypot(...vector) || 1;
  return Float64Array.from(vector, (value) => value / length);
}

/** Reads a vector of little-endian 4-byte numbers, as the database stores it. */
export function vectorIn(bytes: ArrayBuffer): Float32Array {
  const view = new DataView(bytes);
  const count = Math.floor(bytes.byteLength / Float32Array.BYTES_PER_ELEMENT);
  return Float32Array.from({ length: count }, (_, at) => view.getFloat32(at * 4, true));
}

/**
 * Computes the products of a question's code with codes that lie one after the other.
 * @param into one number for each code
 */
export function multiply(codes: Int8Array, question: Int8Array, into: Float32Array): void {
  const size = question.length;
  // Wider numbers need no conversion in the inner loop.
  const wide = Int32Array.from(question);
  const even = size - (size % 4);
  for (let chunk = 0, from = 0; chunk < into.length; chunk++, from += size) {
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let at = 0; at < even; at += 4) {
      a = (a + Math.imul(codes[from + at]!, wide[at]!)) | 0;
      b = (b + Math.imul(codes[from + at + 1]!, wide[at + 1]!)) | 0;
      c = (c + Math.imul(codes[from + at + 2]!, wide[at + 2]!)) | 0;
      d = (d + Math.imul(codes[from + at + 3]!, wide[at + 3]!)) | 0;
    }
    for (let at = even; at < size; at++) a = (a + Math.imul(codes[from + at]!, wide[at]!)) | 0;
    into[chunk] = a + b + c + d;
  }
}

/** Reduces vectors to their principal components. */

/** Rounds of the iteration; more change nothing in the eight bits that are stored. */
const ROUNDS = 40;

/**
 * Returns the coordinates of each row along the directions of greatest variance, each coordinate
 * divided by its deviation (whitened).
 */
export function principalComponents(rows: readonly number[][], dimensions: number): Float64Array[] {
  const centred = withoutMean(rows);
  const covariance = covarianceOf(centred);
  const { directions, variances } = largest(covariance, dimensions);
  return centred.map((row) =>
    Float64Array.from(
      directions,
      (direction, at) => dot(row, direction) / Math.sqrt(variances[at]!),
    ),
  );
}

function withoutMean(rows: readonly number[][]): Float64Array[] {
  const size = rows[0]!.length;
  const mean = new Float64Array(size);
  for (const row of rows) for (let at = 0; at < size; at++) mean[at]! += row[at]! / rows.length;
  return rows.map((row) => Float64Array.from(row, (value, at) => value - mean[at]!));
}

function covarianceOf(rows: readonly Float64Array[]): Float64Array[] {
  const size = rows[0]!.length;
  const result = Array.from({ length: size }, () => new Float64Array(size));
  for (const row of rows)
    for (let at = 0; at < size; at++) {
      const line = result[at]!;
      const value = row[at]! / rows.length;
      for (let other = 0; other < size; other++) line[other]! += value * row[other]!;
    }
  return result;
}

/** Finds the directions of greatest variance by orthogonal iteration, from a fixed beginning. */
function largest(covariance: readonly Float64Array[], count: number) {
  const size = covariance.length;
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff - 0.5;
  };
  let directions: Float64Array[] = Array.from({ length: count }, () =>
    Float64Array.from({ length: size }, random),
  );
  orthogonalise(directions);
  for (let round = 0; round < ROUNDS; round++) {
    directions = directions.map((direction) => times(covariance, direction));
    orthogonalise(directions);
  }
  const variances = directions.map((direction) => dot(direction, times(covariance, direction)));
  return { directions, variances };
}

function times(matrix: readonly Float64Array[], vector: Float64Array): Float64Array {
  return Float64Array.from(matrix, (row) => dot(row, vector));
}

/** Makes vectors orthogonal and of length 1, in place (Gram and Schmidt). */
function orthogonalise(vectors: readonly Float64Array[]): void {
  vectors.forEach((vector, at) => {
    for (const other of vectors.slice(0, at)) add(vector, other, -dot(vector, other));
    const length = Math.sqrt(dot(vector, vector)) || 1;
    for (let place = 0; place < vector.length; place++) vector[place]! /= length;
  });
}

function add(vector: Float64Array, other: Float64Array, factor: number): void {
  for (let at = 0; at < vector.length; at++) vector[at]! += factor * other[at]!;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!;
  return sum;
}

import { GenieError } from '@genie/core/errors';

/** The vector with length 1. Throws `GENIE_MEMORY_VECTOR` when it has the wrong dimension, no length, or a value that is no number. */
export function toUnitVector(vector: ArrayLike<number>, dimension: number | undefined, what: string): Float32Array {
  const fail = (why: string): never => {
    throw new GenieError('GENIE_MEMORY_VECTOR', `The vector of ${what} ${why}. Check the embedder.`, {
      details: { what },
    });
  };
  if (typeof vector?.length !== 'number' || vector.length === 0) fail('is empty');
  if (dimension !== undefined && vector.length !== dimension)
    fail(`has ${vector.length} dimensions instead of ${dimension}`);
  let sum = 0;
  for (let at = 0; at < vector.length; at += 1) sum += (vector[at] ?? 0) ** 2;
  if (!Number.isFinite(sum)) fail('holds a value that is not a finite number');
  if (sum === 0) fail('is zero and points nowhere');
  const length = Math.sqrt(sum);
  const unit = new Float32Array(vector.length);
  for (let at = 0; at < unit.length; at += 1) unit[at] = (vector[at] ?? 0) / length;
  return unit;
}

export function dotProduct(left: Float32Array, right: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < left.length; at += 1) sum += (left[at] ?? 0) * (right[at] ?? 0);
  return sum;
}

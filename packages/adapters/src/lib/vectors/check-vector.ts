import { GenieError } from '@genie/core/errors';

/** The vector with length 1. Throws `GENIE_MEMORY_VECTOR` for one that means nothing: of another dimension, not finite, or all zero. */
export function checkVector(vector: ArrayLike<number>, dimension: number, what: string): number[] {
  if (vector.length !== dimension) throw bad(what, `has ${vector.length} numbers, the store takes ${dimension}`);
  let sum = 0;
  for (let index = 0; index < dimension; index += 1) sum += (vector[index] as number) ** 2;
  const length = Math.sqrt(sum);
  if (!Number.isFinite(length) || length === 0) throw bad(what, 'is all zero or holds a number that is not finite');
  return Array.from(vector, (value) => value / length);
}

function bad(what: string, problem: string): GenieError {
  return new GenieError('GENIE_MEMORY_VECTOR', `The vector of ${what} ${problem}.`);
}

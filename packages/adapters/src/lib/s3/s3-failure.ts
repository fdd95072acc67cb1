import { describeThrown, GenieError } from '@genie/core/errors';

export function failed(bucket: string, error: unknown): GenieError {
  const name = (error as { name?: unknown } | null)?.name;
  const words =
    typeof name === 'string' && name !== 'Error' ? `${name}: ${describeThrown(error)}` : describeThrown(error);
  return new GenieError('GENIE_OBJECT_STORE', `The object store in the bucket ${bucket} failed (${words}).`, {
    cause: error,
  });
}

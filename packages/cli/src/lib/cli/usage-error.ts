import { GenieError } from '@genie/core/errors';

/** What was typed cannot be understood. Ends with exit code 2. Code: `GENIE_CLI_USAGE`. */
export function usageError(message: string): GenieError {
  return new GenieError('GENIE_CLI_USAGE', message);
}

const brand = Symbol.for('genie.error');

/** Every code starts with `GENIE_`; `docs/error-codes.md` has one heading per code. */
export type GenieErrorCode = `GENIE_${string}`;

export interface GenieErrorOptions {
  readonly cause?: unknown;
  /** Machine-readable facts (received value, limit, path). Never secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The base of every error a Genie package throws. `isInstance` also recognises errors of a second installed copy. */
export class GenieError extends Error {
  readonly code: GenieErrorCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly [brand] = true;

  constructor(code: GenieErrorCode, message: string, options: GenieErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GenieError';
    this.code = code;
    this.details = options.details;
  }

  static isInstance(error: unknown): error is GenieError {
    return typeof error === 'object' && error !== null && (error as { [brand]?: unknown })[brand] === true;
  }

  toJSON(): ErrorRecord {
    return { code: this.code, message: this.message, ...(this.details ? { details: this.details } : {}) };
  }
}

/** The stored and transmitted form of an error: what a journal record, an event or an outcome carries. */
export interface ErrorRecord {
  readonly code: GenieErrorCode;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Turns anything that was thrown into an {@link ErrorRecord}; `fallback` is the code of errors that are not ours. */
export function toErrorRecord(error: unknown, fallback: GenieErrorCode): ErrorRecord {
  if (GenieError.isInstance(error)) {
    return { code: error.code, message: error.message, ...(error.details ? { details: error.details } : {}) };
  }
  return { code: fallback, message: describeThrown(error) };
}

/** The message of whatever was thrown, also when it was no Error. Never throws. */
export function describeThrown(error: unknown): string {
  try {
    if (error instanceof Error) return error.message || error.name;
    if (typeof error === 'string') return error;
    return JSON.stringify(error) ?? String(error);
  } catch {
    return 'a value that cannot be described was thrown';
  }
}

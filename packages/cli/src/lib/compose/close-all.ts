type Closer = () => Promise<void> | void;

/** What was opened on the way, to be closed in the opposite order. */
export interface Closers {
  add(close: Closer): void;
  /** Closes the latest first; the first failure is reported when everything is closed. Idempotent. */
  close(): Promise<void>;
}

export function createClosers(): Closers {
  const closers: Closer[] = [];
  let closing: Promise<void> | undefined;
  return {
    add: (close) => void closers.push(close),
    close() {
      closing ??= closeAll(closers.reverse());
      return closing;
    },
  };
}

async function closeAll(closers: readonly Closer[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** A writer that was faster six times in a row is a writer in a loop; then the caller should know. */
const attempts = 6;

/** Repeats a read-then-write that lost a race (`GENIE_MEMORY_CONFLICT`). `work` has to read again. */
export async function retryOnConflict<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isConflict(error) || attempt === attempts) throw error;
    }
  }
}

export function isConflict(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'GENIE_MEMORY_CONFLICT';
}

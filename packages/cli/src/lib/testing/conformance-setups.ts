import type { ConformanceSetup } from '@genie/core/conformance';
import { createMemoryJournal } from '@genie/core/journal';

/** What `genie conformance journal` loads: a journal that keeps the promises. */
export async function memoryJournal(): Promise<ConformanceSetup<unknown>> {
  const journal = createMemoryJournal({ keepClosedRuns: 1_000 });
  return { setup: { journal }, close: () => journal.close() };
}

/** One that forgets every run it is asked to list. */
export async function forgetfulJournal(): Promise<ConformanceSetup<unknown>> {
  const journal = createMemoryJournal({ keepClosedRuns: 1_000 });
  return { setup: { journal: { ...bound(journal), list: async () => [] } }, close: () => journal.close() };
}

function bound(journal: ReturnType<typeof createMemoryJournal>): object {
  return {
    capabilities: journal.capabilities,
    open: journal.open.bind(journal),
    read: journal.read.bind(journal),
    compact: journal.compact.bind(journal),
    close: journal.close.bind(journal),
  };
}

import { type GenieFile, type HomeFolders, homeFolders, readGenieFile } from '@genie/core/home';
import type { Approvals } from '@genie/core/ports';
import type { Memory } from '@genie/memory';
import type { Metrics } from '@genie/metrics';
import { readSettings } from '../compose/genie-settings.ts';
import type { GenieStore } from '../compose/genie-store.ts';
import { openStore } from '../compose/open-store.ts';
import type { StoreChoice } from '../compose/store-reference.ts';
import { genieSettings } from './settings-target.ts';

/** The metrics of a genie that another process may be running. */
export interface HomeMetrics {
  readonly file: GenieFile;
  readonly folders: HomeFolders;
  readonly store: GenieStore;
  readonly approvals: Approvals;
  readonly metrics: Metrics;
  close(): Promise<void>;
}

/**
 * Opens them with everything that changes need. `remembers` opens the memory too, for feedback.
 * Rejects with the codes of `readGenieFile`, `openStore` and `openMetrics`.
 */
export async function openHomeMetrics(
  home: string,
  choice: StoreChoice & { readonly remembers?: boolean },
): Promise<HomeMetrics> {
  const file = readGenieFile(home);
  const store = await openStore({ home, file, ...choice });
  let memory: Memory | undefined;
  try {
    memory = choice.remembers ? await store.openMemory() : undefined;
    const timeZone = file.schedule?.timezone;
    const metrics = await store.openMetrics({
      settings: genieSettings({ home }),
      approvals: store.approvals,
      genieId: file.id,
      ...(memory ? { memory } : {}),
      ...(timeZone ? { timeZone } : {}),
      ...readSettings(home, file).metrics,
    });
    return {
      file,
      folders: homeFolders(home),
      store,
      approvals: store.approvals,
      metrics,
      async close() {
        await metrics.close();
        await memory?.close();
        await store.close();
      },
    };
  } catch (error) {
    await memory?.close();
    await store.close();
    throw error;
  }
}

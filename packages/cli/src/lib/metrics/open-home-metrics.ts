import { openApprovals } from '@genie/core';
import { type GenieFile, type HomeFolders, homeFolders, readGenieFile } from '@genie/core/home';
import type { Approvals, MemoryPort } from '@genie/core/ports';
import { type Metrics, openMetrics } from '@genie/metrics';
import { readSettings } from '../compose/genie-settings.ts';
import { genieSettings } from './settings-target.ts';

/** The metrics of a home that another process may be running. */
export interface HomeMetrics {
  readonly file: GenieFile;
  readonly folders: HomeFolders;
  readonly approvals: Approvals;
  readonly metrics: Metrics;
  close(): Promise<void>;
}

/** Opens them with everything that changes need. Throws what `readGenieFile`, `openApprovals` and `openMetrics` throw. */
export function openHomeMetrics(
  home: string,
  options: { readonly memory?: Pick<MemoryPort, 'remember'> } = {},
): HomeMetrics {
  const file = readGenieFile(home);
  const folders = homeFolders(home);
  const approvals = openApprovals({ dir: folders.approvals });
  const timeZone = file.schedule?.timezone;
  const metrics = openMetrics({
    dir: folders.metrics,
    settings: genieSettings({ home }),
    approvals,
    genieId: file.id,
    ...(options.memory ? { memory: options.memory } : {}),
    ...(timeZone ? { timeZone } : {}),
    ...readSettings(home, file).metrics,
  });
  return {
    file,
    folders,
    approvals,
    metrics,
    async close() {
      await metrics.close();
      await approvals.close();
    },
  };
}

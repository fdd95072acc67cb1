import type { ErrorRecord } from '@genie/core/errors';
import type { GenieFile, HomeFolders } from '@genie/core/home';
import type { NotifierPort, Source } from '@genie/core/ports';
import type { Egress } from '@genie/egress';
import { type Environment, resolveModel } from '@genie/inference';
import type { Memory } from '@genie/memory';
import type { Metrics } from '@genie/metrics';
import { genieSettings } from '../metrics/settings-target.ts';
import type { GenieSettings } from './genie-settings.ts';
import type { GenieStore } from './genie-store.ts';
import type { OpenModels } from './open-models.ts';
import { localRoots } from './open-tools.ts';

export interface OpenGenieMetricsOptions {
  readonly home: string;
  readonly file: GenieFile;
  readonly folders: HomeFolders;
  readonly settings: GenieSettings;
  readonly environment: Environment;
  readonly store: GenieStore;
  readonly egress: Egress;
  readonly modelFetch: typeof globalThis.fetch;
  readonly models: OpenModels;
  readonly memory: Memory;
  readonly notifier: Pick<NotifierPort, 'notify'> | undefined;
  readonly onWarning: ((warning: ErrorRecord) => void) | undefined;
  /** Called when an adjustment wrote `genie.json`. */
  readonly onWrite: () => Promise<void>;
}

/** The metrics of a genie that runs: with probes, a judge and adjustments. */
export function openGenieMetrics(options: OpenGenieMetricsOptions): Promise<Metrics> {
  const { home, file, folders, settings, environment, store, egress, models, memory, modelFetch } = options;
  return store.openMetrics({
    fetch: egress.fetch.bind(egress),
    memory,
    roots: [...localRoots((file.sources ?? []) as readonly Source[]), folders.workspace, folders.artifacts],
    ...(file.schedule?.timezone ? { timeZone: file.schedule.timezone } : {}),
    settings: genieSettings({
      home,
      models: models.references,
      checkModel: (reference) => void resolveModel(reference, { environment, fetch: modelFetch }),
      onWrite: options.onWrite,
    }),
    approvals: store.approvals,
    genieId: file.id,
    ...(options.notifier ? { notifier: options.notifier } : {}),
    // Rules without a neural network judge nothing and find no causes: the statistics speak alone.
    ...(models.references.planning === 'offline' ? {} : { model: models.planning }),
    ...(options.onWarning ? { onWarning: options.onWarning } : {}),
    ...settings.metrics,
  });
}

import type { GenieFile } from '@genie/core/home';
import type { Approvals, EventSink } from '@genie/core/ports';
import { createResolverLookup, type Lookup } from '@genie/egress';
import type { Environment } from '@genie/inference';
import type { GenieSettings } from './genie-settings.ts';
import { modelHosts } from './model-hosts.ts';
import { type OpenEgress, openEgress, upstreamProxyOf } from './open-egress.ts';
import type { ModelReferences } from './open-models.ts';

export interface OpenDoorOptions {
  /** Where the audit log is written. */
  readonly home: string;
  readonly file: Pick<GenieFile, 'id'>;
  readonly settings: Pick<GenieSettings, 'egress' | 'modelBaseUrl'> & Partial<Pick<GenieSettings, 'fallbackModels'>>;
  readonly environment: Environment;
  /** Their hosts are open: who chose the model chose its host. */
  readonly models: ModelReferences;
  readonly approvals: Approvals;
  readonly events: EventSink;
  /** Instead of the resolver that the settings name. */
  readonly lookup?: Lookup | undefined;
}

/** The one door out of a genie, by its settings. Throws `GENIE_EGRESS_OPTIONS` and `GENIE_EGRESS_AUDIT`. */
export function openDoor(options: OpenDoorOptions): OpenEgress {
  const { home, file, settings, environment, models, approvals, events } = options;
  const { allow, allowPrivate, resolver, holdMs, upstreamProxy } = settings.egress;
  const hosts = modelHosts([models.planning, models.execution, environment.GENIE_MODEL], {
    baseUrl: settings.modelBaseUrl,
    fallbacks: settings.fallbackModels ?? [],
    environment,
  });
  return openEgress({
    home,
    genieId: file.id,
    allow: [...new Set([...allow, ...hosts])],
    allowPrivate,
    approvals,
    events,
    providers: hosts,
    holdMs,
    upstreamProxy: upstreamProxyOf(upstreamProxy, environment),
    lookup: options.lookup ?? (resolver ? createResolverLookup(resolver) : undefined),
  });
}

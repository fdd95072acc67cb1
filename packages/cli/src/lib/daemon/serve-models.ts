import { createDaemon, createEmbedder, startEndpoint } from '@genie/inference';
import type { Served } from './read-served.ts';

export interface Serving {
  readonly url: string;
  /** Every id that clients can name. */
  readonly models: readonly string[];
  /** Refuses new requests, answers those that wait for as long as `drainMs`, then ends the workers. */
  close(): Promise<void>;
}

/** Loads the models, then listens. Rejects with the codes of the daemon and of the endpoint, or with the reason of the signal, and leaves nothing running then. */
export async function serveModels(served: Served, signal: AbortSignal): Promise<Serving> {
  const daemon = createDaemon({
    models: served.models,
    workers: served.workers,
    contextTokens: served.contextTokens,
    cache: { stateFolder: served.cacheFolder },
    // A server is asked again while its worker restarts, and has the memory for a spare one.
    standby: true,
    ...(served.threads === undefined ? {} : { threads: served.threads }),
  });
  const embedders = Object.fromEntries(
    Object.entries(served.embedders).map(([id, source]) => [id, createEmbedder(source as 'hash')]),
  );
  const closeAll = async (drain?: AbortSignal) => {
    await daemon.close(drain ? { drain } : {});
    await Promise.all(Object.values(embedders).map((embedder) => embedder.close()));
  };
  const giveUp = () => void closeAll();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    await daemon.ready();
    const models = {
      ...Object.fromEntries(Object.keys(served.models).map((base) => [base, daemon.model({ base })])),
      ...Object.fromEntries(Object.entries(served.genomes).map(([id, genome]) => [id, daemon.model(genome)])),
    };
    const endpoint = await startEndpoint({
      models,
      embedders,
      host: served.host,
      port: served.port,
      metrics: () => daemon.metrics(),
      ...(served.token === undefined ? {} : { token: served.token }),
    });
    const close = async () => {
      const drain = AbortSignal.timeout(served.drainMs);
      await endpoint.close({ drain });
      await closeAll(drain);
    };
    return { url: endpoint.url, models: [...Object.keys(models), ...Object.keys(embedders)], close };
  } catch (error) {
    await closeAll();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

import { describeThrown } from '@genie/core/errors';
import { type Clock, systemClock } from '@genie/core/ports';
import type { NamedServer } from './commands/mcp-home.ts';
import type { McpSettings } from './mcp-settings.ts';

const dayMs = 24 * 60 * 60_000;
const firstLookMs = 60_000;
const lookMs = 10 * 60_000;

export interface ExploreWhenIdleOptions {
  /** As `genie.json` has them now. */
  readonly servers: () => McpSettings;
  readonly isIdle: () => boolean;
  /** When a server was explored last, epoch ms. */
  readonly lastAt: (name: string) => Promise<number | undefined>;
  readonly explore: (named: NamedServer, signal: AbortSignal) => Promise<unknown>;
  readonly onFailure: (message: string) => void;
  readonly clock?: Clock;
}

/** Explorations of a genie that is being watched. */
export interface IdleExploration {
  /** Ends the exploration under way: a run begins. */
  interrupt(): void;
  /** Ends all of it. Idempotent. */
  close(): Promise<void>;
}

/**
 * Looks every ten minutes, the first time after one, and explores each server that says `"explore": true`, one at a time, while no
 * run is going on and at most once a day, also when that fails or a run cuts it short.
 */
export function exploreWhenIdle(options: ExploreWhenIdleOptions): IdleExploration {
  const { clock = systemClock, isIdle, onFailure } = options;
  const triedAt = new Map<string, number>();
  let isClosed = false;
  let underWay: AbortController | undefined;
  let work: Promise<void> = Promise.resolve();
  const isDue = async (name: string): Promise<boolean> => {
    const last = Math.max(triedAt.get(name) ?? 0, (await options.lastAt(name)) ?? 0);
    return clock.now() - last >= dayMs;
  };
  const look = async (): Promise<void> => {
    for (const [name, server] of Object.entries(options.servers())) {
      if (!server.explore || !(await isDue(name))) continue;
      if (isClosed || !isIdle()) return;
      triedAt.set(name, clock.now());
      underWay = new AbortController();
      try {
        await options.explore({ name, server }, underWay.signal);
      } catch (error) {
        if (!underWay.signal.aborted) onFailure(`The MCP server ${name} was not explored: ${describeThrown(error)}`);
      } finally {
        underWay = undefined;
      }
    }
  };
  let cancel: () => void;
  const schedule = (delayMs: number): void => {
    cancel = clock.schedule(delayMs, () => {
      work = look()
        .catch((error: unknown) => onFailure(`MCP servers were not explored: ${describeThrown(error)}`))
        .finally(() => {
          if (!isClosed) schedule(lookMs);
        });
    });
  };
  schedule(firstLookMs);
  return {
    interrupt: () => underWay?.abort(),
    async close() {
      isClosed = true;
      cancel();
      underWay?.abort();
      await work;
    },
  };
}

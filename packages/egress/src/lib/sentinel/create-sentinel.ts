import { GenieError } from '@genie/core/errors';
import { type Clock, type EgressPort, type EventSink, systemClock } from '@genie/core/ports';
import { type ProbeResult, type ProbeTarget, probeTarget } from './probe-target.ts';

export type NetworkState = 'online' | 'offline' | 'captive' | 'degraded';

export interface SentinelOptions {
  /** The door that probes go through. */
  readonly egress: Pick<EgressPort, 'fetch'>;
  /** Usually the genie's own providers, so that nothing else learns about it. */
  readonly targets: readonly ProbeTarget[];
  /** Default 30,000. While a change is being confirmed it is a sixth of that. */
  readonly intervalMs?: number;
  /** Share of the interval by which it varies at random. Default 0.2. */
  readonly jitter?: number;
  /** Default 5,000. */
  readonly timeoutMs?: number;
  /** Answers slower than this count as degraded. Default 2,000. */
  readonly slowMs?: number;
  /** How many probes in a row have to agree before the state changes. Default 2. */
  readonly agreeing?: number;
  readonly events?: EventSink;
  readonly clock?: Clock;
  /** From 0 to below 1. */
  readonly random?: () => number;
}

export type NetworkListener = (state: NetworkState, previous: NetworkState) => void;

/** Watches whether the network works. */
export interface Sentinel {
  /** `online` until a probe says otherwise. */
  readonly state: NetworkState;
  /** Targets that the policy refused at the last probe; put them into the allowlist. */
  readonly refused: readonly string[];
  /** Probes now and then at every interval until it is closed. */
  start(): void;
  /** Probes once. A single probe changes the state only when `agreeing` is 1. */
  probe(): Promise<NetworkState>;
  /**
   * Called after each change: the place to switch to a local model, and to flush what waits. What it throws is dropped. The
   * returned function ends it.
   */
  subscribe(listener: NetworkListener): () => void;
  close(): void;
}

/** Creates a sentinel that does nothing until it is started. Throws `GENIE_EGRESS_OPTIONS` without targets. */
export function createSentinel(options: SentinelOptions): Sentinel {
  if (options.targets.length === 0) {
    throw new GenieError(
      'GENIE_EGRESS_OPTIONS',
      'createSentinel: targets is empty. Name the URL of a provider that the genie uses',
    );
  }
  return new NetworkSentinel(options);
}

class NetworkSentinel implements Sentinel {
  readonly #options: SentinelOptions;
  readonly #clock: Clock;
  readonly #listeners = new Set<NetworkListener>();
  readonly #closing = new AbortController();
  #state: NetworkState = 'online';
  #candidate: { readonly state: NetworkState; readonly times: number } = { state: 'online', times: 0 };
  #refused: readonly string[] = [];
  #isStarted = false;
  #cancel: () => void = () => undefined;

  constructor(options: SentinelOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get state(): NetworkState {
    return this.#state;
  }

  get refused(): readonly string[] {
    return this.#refused;
  }

  start(): void {
    if (this.#isStarted || this.#closing.signal.aborted) return;
    this.#isStarted = true;
    void this.#round();
  }

  async probe(): Promise<NetworkState> {
    const { egress, targets, timeoutMs = 5_000, slowMs = 2_000 } = this.#options;
    const { signal } = this.#closing;
    const results = await Promise.all(
      targets.map((target) =>
        probeTarget(target, { fetch: egress.fetch, timeoutMs, slowMs, elapsed: () => this.#clock.elapsed(), signal }),
      ),
    );
    if (signal.aborted) return this.#state;
    this.#refused = targets.filter((_, index) => results[index] === 'refused').map((target) => target.url);
    const seen = summarise(results);
    if (seen !== undefined) this.#agree(seen);
    return this.#state;
  }

  subscribe(listener: NetworkListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#closing.abort();
    this.#cancel();
    this.#listeners.clear();
  }

  async #round(): Promise<void> {
    await this.probe();
    if (this.#closing.signal.aborted) return;
    const { intervalMs = 30_000, jitter = 0.2, random = Math.random } = this.#options;
    const isConfirming = this.#candidate.state !== this.#state;
    const base = isConfirming ? intervalMs / 6 : intervalMs;
    this.#cancel = this.#clock.schedule(base * (1 + jitter * (2 * random() - 1)), () => void this.#round());
  }

  #agree(seen: NetworkState): void {
    const times = seen === this.#candidate.state ? this.#candidate.times + 1 : 1;
    this.#candidate = { state: seen, times };
    if (seen === this.#state || times < (this.#options.agreeing ?? 2)) return;
    const previous = this.#state;
    this.#state = seen;
    this.#options.events?.({ type: 'network.changed', at: this.#clock.now(), source: 'egress.sentinel', state: seen });
    for (const listener of [...this.#listeners]) {
      try {
        listener(seen, previous);
      } catch {
        // One listener that fails neither keeps the others from being told nor ends the watch.
      }
    }
  }
}

/** One view of all targets; undefined when the policy let no probe out, so nothing is known. */
function summarise(results: readonly ProbeResult[]): NetworkState | undefined {
  const asked = results.filter((result) => result !== 'refused');
  if (asked.length === 0) return undefined;
  if (asked.every((result) => result === 'ok')) return 'online';
  if (asked.some((result) => result === 'ok' || result === 'slow')) return 'degraded';
  return asked.includes('captive') ? 'captive' : 'offline';
}

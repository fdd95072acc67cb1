import type { Clock } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
} from 'cockatiel';

export interface CallGuardOptions {
  readonly server: string;
  readonly clock: Clock;
  /** Silence after which a call is given up and the breaker opens. Below the transport's own timeout. */
  readonly stallMs: number;
  /** How long an open breaker refuses at first; grows up to 30 s. */
  readonly openMs: number;
}

export interface GuardedCall {
  readonly signal: AbortSignal;
  /** The server gave a sign of life: the wait starts anew. */
  alive(): void;
}

export interface CallGuard {
  run<Value>(signal: AbortSignal | undefined, work: (call: GuardedCall) => Promise<Value>): Promise<Value>;
  /** No call stalls while somebody on this side is being asked. */
  pause<Value>(work: () => Promise<Value>): Promise<Value>;
  readonly isOpen: boolean;
  dispose(): void;
}

const brokenServer: readonly string[] = ['GENIE_MCP_TIMEOUT', 'GENIE_MCP_UNREACHABLE', 'GENIE_MCP_FLOOD'];

/** Failures of the connection, not of the work that was asked for. */
export function isConnectionFailure(error: unknown): boolean {
  return GenieError.isInstance(error) && brokenServer.includes(error.code);
}

/**
 * One breaker for one server. A call that hears nothing for `stallMs` fails with `GENIE_MCP_TIMEOUT` and opens it; while
 * it is open, calls fail at once with `GENIE_MCP_UNAVAILABLE` instead of piling up behind a server that hangs.
 */
export function createCallGuard({ server, clock, stallMs, openMs }: CallGuardOptions): CallGuard {
  const breaker = circuitBreaker(handleWhen(isConnectionFailure), {
    halfOpenAfter: new ExponentialBackoff({ initialDelay: openMs, maxDelay: 30_000 }),
    breaker: new ConsecutiveBreaker(1),
  });
  let asking = 0;
  const waiting = new Set<() => void>();
  const watched = async <Value>(
    signal: AbortSignal | undefined,
    work: (call: GuardedCall) => Promise<Value>,
  ): Promise<Value> => {
    const controller = new AbortController();
    let cancel: () => void = () => undefined;
    let fail: (error: GenieError) => void = () => undefined;
    const stalled = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    const arm = (): void => {
      cancel();
      cancel = clock.schedule(stallMs, () => {
        if (asking > 0) return arm();
        const error = new GenieError('GENIE_MCP_TIMEOUT', `The server ${server} was silent for ${stallMs} ms.`);
        controller.abort(error);
        fail(error);
      });
    };
    waiting.add(arm);
    arm();
    try {
      const combined = signal ? AbortSignal.any([signal, controller.signal]) : controller.signal;
      return await Promise.race([work({ signal: combined, alive: arm }), stalled]);
    } finally {
      waiting.delete(arm);
      cancel();
    }
  };
  return {
    async run(signal, work) {
      signal?.throwIfAborted();
      try {
        return await breaker.execute(() => watched(signal, work));
      } catch (error) {
        if (!(error instanceof BrokenCircuitError)) throw error;
        throw new GenieError(
          'GENIE_MCP_UNAVAILABLE',
          `The server ${server} failed a moment ago and is not asked again yet. Try later.`,
        );
      }
    },
    async pause(work) {
      asking += 1;
      try {
        return await work();
      } finally {
        asking -= 1;
        for (const arm of waiting) arm();
      }
    },
    get isOpen() {
      return breaker.state === CircuitState.Open;
    },
    dispose: () => waiting.clear(),
  };
}

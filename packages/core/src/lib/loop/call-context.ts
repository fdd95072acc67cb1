import type { Approvals } from '../approvals/approvals.ts';
import { GenieError } from '../genie-error.ts';
import type { MemoryPort } from '../ports/memory.ts';
import type { ToolContext } from '../tool/tool.ts';
import type { LoopContext } from './loop-context.ts';

/** What a tool gets beside its arguments. Signal and fetch are made when they are first used: most tools use neither. */
export class CallContext implements ToolContext {
  readonly runId: string;
  readonly genieId: string;
  readonly callId: string;
  readonly tool: string;
  readonly #loop: LoopContext;
  readonly #step: number;
  #controller: AbortController | undefined;
  #unlink: (() => void) | undefined;
  #ended = false;

  constructor(loop: LoopContext, call: { readonly step: number; readonly callId: string; readonly tool: string }) {
    this.#loop = loop;
    this.#step = call.step;
    this.runId = loop.runId;
    this.genieId = loop.genieId;
    this.callId = call.callId;
    this.tool = call.tool;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      const controller = new AbortController();
      this.#controller = controller;
      const outer = this.#loop.guard.signal;
      const forward = () => controller.abort(outer.reason);
      if (outer.aborted || this.#ended) forward();
      else {
        outer.addEventListener('abort', forward, { once: true });
        this.#unlink = () => outer.removeEventListener('abort', forward);
      }
    }
    return this.#controller.signal;
  }

  get memory(): MemoryPort | undefined {
    return this.#loop.memory;
  }

  get approvals(): Approvals | undefined {
    return this.#loop.approvals;
  }

  get fetch(): typeof globalThis.fetch {
    return async (input, init) => {
      const { egress } = this.#loop;
      if (!egress) {
        throw new GenieError(
          'GENIE_EGRESS_DENIED',
          `Tool "${this.tool}" wanted to reach ${describeTarget(input)}, but this run has no egress. Pass "egress" to createGenie or runLoop.`,
        );
      }
      return egress.fetch(
        input as string | URL | Request,
        { ...init, signal: init?.signal ?? this.signal },
        { genieId: this.genieId, runId: this.runId, callId: this.callId, tool: this.tool },
      );
    };
  }

  /** A getter, so that a tool may take it out of its context: `run(input, { progress })`. */
  get progress(): ToolContext['progress'] {
    return (message, fraction) => this.#report(message, fraction);
  }

  #report(message: string, fraction: number | undefined): void {
    if (this.#ended) return;
    this.#loop.emit({
      type: 'tool.progress',
      at: this.#loop.clock.now(),
      source: 'core.loop',
      runId: this.runId,
      step: this.#step,
      callId: this.callId,
      tool: this.tool,
      message: String(message).slice(0, 2_000),
      ...(fraction === undefined ? {} : { fraction: Math.min(1, Math.max(0, fraction)) }),
    });
  }

  /** The call is over: `abort` tells the tool to stop what it still does. */
  end(abort: boolean): void {
    this.#ended = true;
    this.#unlink?.();
    if (abort) this.#controller?.abort();
  }
}

function describeTarget(input: unknown): string {
  try {
    return new URL(typeof input === 'object' && input && 'url' in input ? String(input.url) : String(input)).host;
  } catch {
    return 'an address';
  }
}

import type { Dispatcher } from 'undici';
import { EgressError } from '../egress-error.ts';
import type { Admission, Gate } from '../gate.ts';

type Handler = Dispatcher.DispatchHandler;

/** Counts what comes back and tells the gate when it is over. */
class Meter {
  readonly #gate: Gate;
  readonly #admission: Admission;
  readonly #maxBytes: number;
  #bytes = 0;
  #status: number | undefined;
  #isOver = false;
  #unwatch: (() => void) | undefined;

  constructor(gate: Gate, admission: Admission) {
    this.#gate = gate;
    this.#admission = admission;
    this.#maxBytes = gate.rules('response-bytes')
      ? (admission.entry?.maxResponseBytes ?? Number.POSITIVE_INFINITY)
      : Number.POSITIVE_INFINITY;
  }

  start(status: number): void {
    this.#status = status;
  }

  /** Calls `cut` when the grant that allowed the request ends. */
  watch(cut: (error: EgressError) => void): void {
    if (this.#admission.passage === undefined || this.#unwatch !== undefined) return;
    const error = new EgressError('approval-expired', 'the grant that allowed it is over');
    this.#unwatch = this.#gate.watch(this.#admission, () => cut(error));
  }

  /** The error to abort with when this chunk goes over the limit. */
  add(chunk: Uint8Array): EgressError | undefined {
    this.#bytes += chunk.length;
    if (this.#bytes <= this.#maxBytes) return undefined;
    const { host, entry, exit } = this.#admission;
    const message = `the answer of ${host.name} is over the ${this.#maxBytes} bytes of ${entry?.rule}`;
    return new EgressError('response-bytes', message, { host: host.name, port: exit.destination.port });
  }

  end(error?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#unwatch?.();
    // The name was allowed and its address was not: worth more than a line at the end.
    if (error instanceof EgressError && error.reason === 'address') this.#gate.refuse(this.#admission.exit, error);
    this.#gate.close(this.#admission, {
      bytesUp: this.#admission.exit.bodyBytes ?? 0,
      bytesDown: this.#bytes,
      ...(this.#status === undefined ? {} : { status: this.#status }),
      ...(error instanceof EgressError ? { reason: error.reason } : {}),
    });
  }
}

/** Wraps a handler of either of undici's two interfaces; the older one is what its own fetch uses. */
export function meterHandler(handler: Handler, gate: Gate, admission: Admission): Handler {
  const meter = new Meter(gate, admission);
  return handler.onRequestStart === undefined ? meterOlder(handler, meter) : meterNewer(handler, meter);
}

function meterOlder(handler: Handler, meter: Meter): Handler {
  let abort: (error?: Error) => void = () => undefined;
  let failure: EgressError | undefined;
  let isTold = false;
  const tell = (error: Error): void => {
    if (isTold) return;
    isTold = true;
    meter.end(error);
    handler.onError?.(error);
  };
  return {
    onConnect(given) {
      abort = given;
      meter.watch((error) => {
        abort(error);
        tell(error);
      });
      handler.onConnect?.(given);
    },
    onResponseStarted: () => handler.onResponseStarted?.(),
    onBodySent: (chunkSize, total) => handler.onBodySent?.(chunkSize, total),
    onUpgrade(status, headers, socket) {
      meter.start(status);
      socket.once('close', () => meter.end());
      handler.onUpgrade?.(status, headers, socket);
    },
    onHeaders(status, headers, resume, statusText) {
      meter.start(status);
      return handler.onHeaders?.(status, headers, resume, statusText) ?? true;
    },
    onData(chunk) {
      if (failure !== undefined) return true;
      failure = meter.add(chunk);
      if (failure === undefined) return handler.onData?.(chunk) ?? true;
      const error = failure;
      // An error in the tick of the headers is lost in undici's fetch, and a response that is complete cannot be aborted.
      setImmediate(() => {
        abort(error);
        tell(error);
      });
      return true;
    },
    onComplete(trailers) {
      if (failure !== undefined) return;
      meter.end();
      handler.onComplete?.(trailers);
    },
    onError: (error) => tell(failure ?? error),
  };
}

function meterNewer(handler: Handler, meter: Meter): Handler {
  let failure: EgressError | undefined;
  return {
    onRequestStart(controller, context) {
      meter.watch((error) => controller.abort(error));
      handler.onRequestStart?.(controller, context);
    },
    onRequestUpgrade(controller, status, headers, socket) {
      meter.start(status);
      socket.once('close', () => meter.end());
      handler.onRequestUpgrade?.(controller, status, headers, socket);
    },
    onResponseStart(controller, status, headers, statusMessage) {
      meter.start(status);
      handler.onResponseStart?.(controller, status, headers, statusMessage);
    },
    onResponseData(controller, chunk) {
      if (failure !== undefined) return;
      failure = meter.add(chunk);
      if (failure === undefined) handler.onResponseData?.(controller, chunk);
      else controller.abort(failure);
    },
    onResponseEnd(controller, trailers) {
      meter.end(failure);
      if (failure === undefined) handler.onResponseEnd?.(controller, trailers);
      else handler.onResponseError?.(controller, failure);
    },
    onResponseError(controller, error) {
      meter.end(failure ?? error);
      handler.onResponseError?.(controller, failure ?? error);
    },
  };
}

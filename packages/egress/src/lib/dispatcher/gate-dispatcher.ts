import { ApprovalRequiredError } from '@genie/core/errors';
import type { EgressContext } from '@genie/core/ports';
import { Agent, type buildConnector, Dispatcher } from 'undici';
import { type CredentialBook, withCredentials } from '../credentials/credentials.ts';
import { EgressError } from '../egress-error.ts';
import type { Admission, Exit, Gate } from '../gate.ts';
import { type Destination, methodClassOf } from '../policy/decision.ts';
import { createConnector } from './connector.ts';
import { checkHostHeader, settleHeaders } from './host-header.ts';
import { meterHandler } from './metered-handler.ts';
import { readOrigin } from './origin.ts';

export interface DispatchContext {
  readonly context: EgressContext;
  readonly signal?: AbortSignal;
  readonly bodySha256?: string;
  /** The hops of one fetch so far. */
  readonly hops?: Admission[];
}

export interface GateDispatcherOptions {
  readonly gate: Gate;
  readonly credentials: CredentialBook;
  readonly tls?: buildConnector.BuildOptions;
  /** How many idle and busy connections to one origin. Default 64. */
  readonly connections?: number;
  readonly headersTimeoutMs?: number;
  readonly bodyTimeoutMs?: number;
}

/** An undici dispatcher behind the gate. Each request, each redirect hop and each WebSocket upgrade passes the pipeline. */
export class GateDispatcher extends Dispatcher {
  readonly #gate: Gate;
  readonly #credentials: CredentialBook;
  readonly #agent: Agent;
  readonly #origins = new Map<string, Omit<Destination, 'method'>>();

  constructor(options: GateDispatcherOptions) {
    super();
    this.#gate = options.gate;
    this.#credentials = options.credentials;
    this.#agent = new Agent({
      connect: createConnector(options.gate, options.tls ?? {}),
      connections: options.connections ?? 64,
      headersTimeout: options.headersTimeoutMs ?? 300_000,
      bodyTimeout: options.bodyTimeoutMs ?? 300_000,
    });
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return this.dispatchFor(options, handler, { context: {} });
  }

  /** The same dispatcher with somebody's name on its requests. */
  withContext(context: DispatchContext): Dispatcher {
    const dispatch = (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean =>
      this.dispatchFor(options, handler, context);
    // Undici's fetch calls nothing but dispatch.
    return { dispatch } as unknown as Dispatcher;
  }

  dispatchFor(
    given: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
    context: DispatchContext,
  ): boolean {
    const options = settleHeaders(given);
    try {
      const exit = this.#toExit(options, context);
      this.#checkHost(options, exit);
      const admission = this.#gate.admit(exit);
      if (!(admission instanceof Promise)) {
        context.hops?.push(admission);
        return this.#go(options, handler, admission);
      }
      admission
        .then((late) => {
          context.hops?.push(late);
          this.#go(options, handler, late);
        })
        .catch((error: Error) => failHandler(handler, explainLateHop(error, context)));
    } catch (error) {
      failHandler(handler, explainLateHop(error as Error, context));
    }
    return true;
  }

  override async close(): Promise<void> {
    await this.#agent.close();
  }

  override async destroy(): Promise<void> {
    await this.#agent.destroy();
  }

  #go(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler, admission: Admission): boolean {
    const { host, exit } = admission;
    const bound = this.#credentials(host.name);
    const isBound = bound !== undefined && exit.destination.scheme === 'https' && exit.destination.port === bound.port;
    const sent = isBound
      ? { ...options, headers: withCredentials(options.headers, bound.headers) as string[] }
      : options;
    const metered = this.#gate.isWatched(admission) ? meterHandler(handler, this.#gate, admission) : handler;
    return this.#agent.dispatch(sent, metered);
  }

  /** As at the proxy: Host equals the authority. */
  #checkHost({ headers }: Dispatcher.DispatchOptions, exit: Exit): void {
    if (!this.#gate.rules('wire:host-matches')) return;
    try {
      checkHostHeader(headers, exit.destination);
    } catch (error) {
      if (error instanceof EgressError) this.#gate.refuse(exit, error);
      throw error;
    }
  }

  #toExit(options: Dispatcher.DispatchOptions, { context, signal, bodySha256, hops }: DispatchContext): Exit {
    const bodyBytes = sizeOf(options);
    return {
      destination: {
        ...this.#readOrigin(String(options.origin)),
        method: options.method,
        ...(options.body === null || options.body === undefined ? {} : { hasBody: true }),
      },
      form: options.upgrade ? 'upgrade' : 'fetch',
      path: options.path,
      context,
      ...(signal ? { signal: () => signal } : {}),
      ...(hops === undefined ? {} : { earlier: hops }),
      // A redirect may have dropped the body.
      ...(bodySha256 === undefined || bodyBytes === undefined ? {} : { bodySha256 }),
      ...(bodyBytes === undefined ? {} : { bodyBytes }),
    };
  }

  #readOrigin(text: string): Omit<Destination, 'method'> {
    const known = this.#origins.get(text);
    if (known !== undefined) return known;
    const origin = readOrigin(text);
    if (origin === undefined)
      throw new EgressError('request-form', `"${text.slice(0, 200)}" is not an http or https origin`);
    if (this.#origins.size >= 1_000) this.#origins.clear();
    this.#origins.set(text, origin);
    return origin;
  }
}

function sizeOf({ body, headers }: Dispatcher.DispatchOptions): number | undefined {
  if (body === null || body === undefined) return undefined;
  if (typeof body === 'string') return Buffer.byteLength(body);
  if (body instanceof Uint8Array) return body.byteLength;
  const declared =
    Array.isArray(headers) || headers === null || headers === undefined
      ? undefined
      : (headers as Record<string, unknown>)['content-length'];
  return declared === undefined ? undefined : Number(declared);
}

/** "Approval required" promises that nothing was sent. After a hop that may have changed something, that would be a lie. */
function explainLateHop(error: Error, { hops = [] }: DispatchContext): Error {
  const wrote = hops.find((hop) => methodClassOf(hop.exit.destination) === 'write');
  if (wrote === undefined || !ApprovalRequiredError.isInstance(error)) return error;
  const { method } = wrote.exit.destination;
  return new EgressError(
    'approval-pending',
    `${method} to ${wrote.host.name} was sent, but its redirect needs an approval: ${error.message}`,
    { cause: error },
  );
}

function failHandler(handler: Dispatcher.DispatchHandler, error: Error): void {
  // Nothing was started, so there is no controller; undici's own interceptors do the same.
  if (handler.onRequestStart === undefined) handler.onError?.(error);
  else handler.onResponseError?.(null as unknown as Dispatcher.DispatchController, error);
}

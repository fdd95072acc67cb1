import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
  type ServerResponse,
} from 'node:http';
import { EgressError } from '../egress-error.ts';
import type { Admission } from '../gate.ts';
import { refuseRequest } from './answer.ts';
import { byteLimitsOf } from './byte-limits.ts';
import type { ProxyCore } from './proxy-core.ts';
import { endToEndHeaders, hasBody, readWireFacts, type WireFacts } from './wire-check.ts';

export interface Forwarding {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly admission: Admission;
  readonly facts: WireFacts;
  readonly path: string;
}

/** Sends an admitted request on and its answer back. Both are framed anew: nothing of the asker's framing reaches the server. */
export function forward(core: ProxyCore, forwarding: Forwarding): void {
  new Exchange(core, forwarding).start(true);
}

class Exchange {
  readonly #core: ProxyCore;
  readonly #work: Forwarding;
  readonly #maxUp: number;
  readonly #maxDown: number;
  #upstream: ClientRequest | undefined;
  #bytesUp = 0;
  #bytesDown = 0;
  #isOver = false;
  #failure: EgressError | undefined;
  #unwatch: (() => void) | undefined;

  constructor(core: ProxyCore, work: Forwarding) {
    this.#core = core;
    this.#work = work;
    const limits = byteLimitsOf(core.gate, work.admission);
    this.#maxUp = limits.maxBytesUp;
    this.#maxDown = limits.maxBytesDown;
    if (work.admission.passage !== undefined) {
      this.#unwatch = core.gate.watch(work.admission, () =>
        this.#fail(new EgressError('approval-expired', 'the grant that allowed it is over')),
      );
    }
    // After the answer, or when the asker is gone before it.
    work.response.once('close', () => this.#finish());
  }

  start(mayRetry: boolean): void {
    const { request, facts, admission, path } = this.#work;
    const { host, exit } = admission;
    const asked = exit.destination.port;
    const bound = this.#core.credentials(host.name);
    // A secret never goes out in the clear: a plain request that gets one is sent on over TLS.
    const secure = bound !== undefined && (asked === 80 || asked === bound.port) ? bound : undefined;
    const port = secure?.port ?? asked;
    const isTls = secure !== undefined;
    const upstream = httpRequest({
      agent: this.#core.pool,
      // The pool's key. It is never resolved: the pool connects through the gate.
      host: host.name,
      port,
      target: { host, port, isTls },
      method: request.method,
      path,
      headers: this.#headers(port === (isTls ? 443 : 80) ? host.name : `${host.name}:${port}`, secure?.headers ?? []),
      setHost: false,
    } as RequestOptions);
    this.#upstream = upstream;
    upstream.on('response', (answer) => this.#relay(answer));
    upstream.on('timeout', () => this.#fail(new EgressError('timeout', `${host.name} did not answer in time`)));
    upstream.on('upgrade', (_answer, socket) => {
      socket.destroy();
      this.#fail(new EgressError('unreachable', `${host.name} switched protocols without being asked`));
    });
    const withBody = hasBody(facts);
    upstream.on('error', (error: NodeJS.ErrnoException) => {
      // A kept connection that the server closed in the same moment. Nothing was answered, and nothing is sent twice but a read.
      const isStale = upstream.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      if (isStale && mayRetry && !withBody && !this.#isOver && (request.method === 'GET' || request.method === 'HEAD'))
        this.start(false);
      else this.#fail(error);
    });
    if (withBody) this.#sendBody(upstream);
    else upstream.end();
  }

  #headers(authority: string, bound: readonly string[]): string[] {
    const { request, facts } = this.#work;
    const kept = endToEndHeaders(request.rawHeaders, facts, this.#core.gate.rules);
    const headers = ['Host', authority];
    for (let index = 0; index < kept.length; index += 2) {
      const name = kept[index] ?? '';
      if (bound.some((one, at) => at % 2 === 0 && one.toLowerCase() === name.toLowerCase())) continue;
      headers.push(name, kept[index + 1] ?? '');
    }
    headers.push(...bound);
    if (facts.encodings.length > 0) headers.push('Transfer-Encoding', 'chunked');
    return headers;
  }

  #sendBody(upstream: ClientRequest): void {
    const { request } = this.#work;
    request.on('data', (chunk: Buffer) => {
      this.#bytesUp += chunk.length;
      if (this.#bytesUp > this.#maxUp)
        this.#fail(new EgressError('request-bytes', `the body is over the ${this.#maxUp} bytes that are allowed`));
      else if (!upstream.write(chunk)) request.pause();
    });
    upstream.on('drain', () => request.resume());
    request.on('end', () => upstream.end());
    request.on('error', () => upstream.destroy());
  }

  #relay(answer: IncomingMessage): void {
    const { response } = this.#work;
    const { rules } = this.#core.gate;
    if (response.destroyed) {
      answer.destroy();
      return;
    }
    answer.on('error', (error) => this.#fail(error));
    const headers = endToEndHeaders(answer.rawHeaders, readWireFacts(answer.rawHeaders), rules);
    response.sendDate = false;
    try {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? '', headers);
    } catch (error) {
      answer.destroy();
      this.#fail(error);
      return;
    }
    answer.on('data', (chunk: Buffer) => {
      this.#bytesDown += chunk.length;
      if (this.#bytesDown > this.#maxDown)
        this.#fail(new EgressError('response-bytes', `the answer is over the ${this.#maxDown} bytes that are allowed`));
      else if (!response.write(chunk)) answer.pause();
    });
    response.on('drain', () => answer.resume());
    answer.on('end', () => response.end());
    answer.on('aborted', () => this.#fail(new EgressError('unreachable', 'the server broke off')));
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    if (error instanceof EgressError) {
      this.#failure = error;
      // The name was allowed and its address was not: worth more than a line at the end.
      if (error.reason === 'address') this.#core.gate.refuse(this.#work.admission.exit, error);
    }
    this.#upstream?.destroy();
    refuseRequest(this.#work.response, error);
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#unwatch?.();
    const { response, admission } = this.#work;
    if (!response.writableFinished || this.#failure !== undefined) this.#upstream?.destroy();
    this.#core.gate.close(admission, {
      bytesUp: this.#bytesUp,
      bytesDown: this.#bytesDown,
      status: response.statusCode,
      ...(this.#failure === undefined ? {} : { reason: this.#failure.reason }),
    });
  }
}

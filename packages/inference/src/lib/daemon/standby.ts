import type { BackendOptions } from '../worker/backend.ts';
import type { CreateTransport, WorkerTransport } from '../worker/protocol.ts';

/**
 * Keeps one worker ready that has started the library but loaded no model, so that a replacement begins where the time is spent on the model alone. The first workers
 * start as ever; a spare is made when {@link Standby.refill} is called. A spare that dies is forgotten.
 */
export class Standby {
  readonly #create: CreateTransport;
  readonly #options: BackendOptions;
  #spare: { readonly transport: WorkerTransport; readonly gone: Promise<void> } | undefined;
  #closed = false;

  constructor(create: CreateTransport, options: BackendOptions) {
    this.#create = create;
    this.#options = options;
  }

  /** The spare when there is one, else a new worker. */
  take(): WorkerTransport {
    const transport = this.#spare?.transport ?? this.#create();
    this.#spare = undefined;
    return transport;
  }

  /** Makes a spare unless there is one. */
  refill(): void {
    if (this.#spare || this.#closed) return;
    const transport = this.#create();
    const gone = new Promise<void>((resolve) => {
      transport.onExit(() => {
        if (this.#spare?.transport === transport) this.#spare = undefined;
        resolve();
      });
    });
    this.#spare = { transport, gone };
    transport.send({ type: 'prepare', options: this.#options });
    transport.keepAlive(false);
  }

  /** Ends the spare: it has nothing to finish. */
  async close(): Promise<void> {
    this.#closed = true;
    const spare = this.#spare;
    this.#spare = undefined;
    if (!spare) return;
    spare.transport.keepAlive(true);
    spare.transport.kill();
    await spare.gone;
  }
}

import { toErrorRecord } from '@genie/core/errors';
import { type Backend, openBackend } from './backend.ts';
import { LlamaEngine } from './llama-engine.ts';
import type { FromWorker, ToWorker, WorkerPort } from './protocol.ts';

/** Runs an engine behind a port. Resolves when it was told to close. A `backend` of the caller stays the caller's. */
export function serveEngine(port: WorkerPort, backend?: Promise<Backend>): Promise<void> {
  const controllers = new Map<number, AbortController>();
  let prepared = backend;
  let engine: LlamaEngine | undefined;
  let loading: Promise<void> = Promise.resolve();

  async function load(message: Extract<ToWorker, { type: 'load' }>): Promise<void> {
    try {
      engine = await LlamaEngine.create(message.options, prepared);
      port.send({ type: 'ready', stats: engine.stats(), modelStamp: engine.modelStamp });
    } catch (error) {
      port.send({ type: 'failed', error: toErrorRecord(error, 'GENIE_MODEL_LOAD') });
    }
  }

  async function start({ id, request }: Extract<ToWorker, { type: 'start' }>, loaded: LlamaEngine): Promise<void> {
    const controller = new AbortController();
    controllers.set(id, controller);
    let last: FromWorker;
    try {
      const result = await loaded.run(request, (text) => port.send({ type: 'token', id, text }), controller.signal);
      last = { type: 'end', id, result, stats: loaded.stats() };
    } catch (error) {
      last = {
        type: 'error',
        id,
        error: toErrorRecord(error, 'GENIE_MODEL_FAILED'),
        aborted: controller.signal.aborted,
        stats: loaded.stats(),
      };
    }
    controllers.delete(id);
    port.send(last);
  }

  /** Native work cannot be interrupted, and whoever waits here may end the thread next, so a load is waited for. */
  async function close(): Promise<void> {
    await loading;
    await engine?.close();
    if (prepared !== backend) await (await prepared)?.llama.dispose();
  }

  return new Promise((resolve) => {
    port.onMessage((message) => {
      if (message.type === 'prepare') {
        prepared ??= openBackend(message.options);
        // Its failure is told by the load that needs it.
        prepared.catch(() => undefined);
      } else if (message.type === 'load') loading = load(message);
      else if (message.type === 'start' && engine) void start(message, engine);
      else if (message.type === 'abort') controllers.get(message.id)?.abort();
      else if (message.type === 'ping') port.send({ type: 'pong', at: message.at, stats: engine?.stats() });
      else if (message.type === 'close') {
        for (const controller of controllers.values()) controller.abort();
        void close().then(resolve, resolve);
      }
    });
  });
}

import { toErrorRecord } from '@genie/core/errors';
import { LlamaEngine } from './llama-engine.ts';
import type { FromWorker, ToWorker, WorkerPort } from './protocol.ts';

/** Runs an engine behind a port. Resolves when it was told to close. */
export function serveEngine(port: WorkerPort): Promise<void> {
  const controllers = new Map<number, AbortController>();
  let engine: LlamaEngine | undefined;

  async function load(message: Extract<ToWorker, { type: 'load' }>): Promise<void> {
    try {
      engine = await LlamaEngine.create(message.options);
      port.send({ type: 'ready', stats: engine.stats() });
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

  return new Promise((resolve) => {
    port.onMessage((message) => {
      if (message.type === 'load') void load(message);
      else if (message.type === 'start' && engine) void start(message, engine);
      else if (message.type === 'abort') controllers.get(message.id)?.abort();
      else if (message.type === 'ping') port.send({ type: 'pong', at: message.at, stats: engine?.stats() });
      else if (message.type === 'close') {
        for (const controller of controllers.values()) controller.abort();
        void (engine?.close() ?? Promise.resolve()).then(resolve, resolve);
      }
    });
  });
}

import type { MessagePort } from 'node:worker_threads';
import type { ToWorker } from './protocol.ts';
import { serveEngine } from './serve-engine.ts';

/** A task of a worker thread: serves an engine over a port, and closes the port when it was told to close. Returns at once; the thread stays idle for its pool. */
export function serveModel({ port }: { readonly port: MessagePort }): void {
  void serveEngine({
    send: (message) => port.postMessage(message),
    onMessage: (listener) => port.on('message', (message: ToWorker) => listener(message)),
  }).then(() => port.close());
}

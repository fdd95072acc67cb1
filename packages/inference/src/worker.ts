import type { ToWorker } from './lib/worker/protocol.ts';
import { serveEngine } from './lib/worker/serve-engine.ts';

// The entry of a model worker's process. It does nothing unless a daemon forked it.
if (process.send) {
  // A worker whose daemon is gone has nobody to work for.
  process.once('disconnect', () => process.exit(0));
  await serveEngine({
    send: (message) => {
      if (process.connected) process.send?.(message);
    },
    onMessage: (listener) => process.on('message', (message) => listener(message as ToWorker)),
  });
  process.exit(0);
}

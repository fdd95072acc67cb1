import type { Clock } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import type { Transport } from '@modelcontextprotocol/client';

/**
 * Ends a connection whose server sends more than `maxPerSecond` messages that nobody asked for. Answers are not counted.
 * Sits between the transport and whoever sets its `onmessage`.
 */
export function guardTransport(transport: Transport, clock: Clock, maxPerSecond: number): void {
  let receive: Transport['onmessage'];
  let second = 0;
  let count = 0;
  Object.defineProperty(transport, 'onmessage', {
    get: () => receive,
    set(next: Transport['onmessage']) {
      if (!next) {
        receive = undefined;
        return;
      }
      receive = (message, extra) => {
        if (!('method' in message)) return next(message, extra);
        const now = Math.floor(clock.elapsed() / 1_000);
        count = now === second ? count + 1 : 1;
        second = now;
        if (count < maxPerSecond) return next(message, extra);
        if (count > maxPerSecond) return;
        transport.onerror?.(
          new GenieError('GENIE_MCP_FLOOD', `The server sent ${maxPerSecond} messages in a second and was cut off.`),
        );
        void transport.close();
      };
    },
  });
}

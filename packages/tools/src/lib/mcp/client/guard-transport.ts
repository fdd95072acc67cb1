import type { Clock } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import type { Transport } from '@modelcontextprotocol/client';

export interface TransportGuard {
  /** Why the connection was cut off, if it was. */
  readonly failure: GenieError | undefined;
}

type Guarded = Transport & { onstray?: () => void; cutOff?(reason: GenieError): void };

/**
 * Ends a connection whose server sends more than `maxPerSecond` messages that nobody asked for: notifications, requests,
 * answers without a question, lines that are no message. Sits between the transport and whoever sets its `onmessage`.
 */
export function guardTransport(transport: Guarded, clock: Clock, maxPerSecond: number): TransportGuard {
  let receive: Transport['onmessage'];
  let second = 0;
  let count = 0;
  let unanswered = 0;
  let failure: GenieError | undefined;
  /** True when one more may pass. */
  const mayPass = (): boolean => {
    const now = Math.floor(clock.elapsed() / 1_000);
    count = now === second ? count + 1 : 1;
    second = now;
    if (failure || count < maxPerSecond) return !failure;
    failure = new GenieError(
      'GENIE_MCP_FLOOD',
      `The server sent ${maxPerSecond} messages in a second and was cut off.`,
    );
    if (transport.cutOff) transport.cutOff(failure);
    else {
      transport.onerror?.(failure);
      void transport.close();
    }
    return false;
  };
  const send = transport.send.bind(transport);
  transport.send = (message, options) => {
    for (const one of [message].flat()) if ('method' in one && 'id' in one) unanswered += 1;
    return send(message, options);
  };
  transport.onstray = () => void mayPass();
  Object.defineProperty(transport, 'onmessage', {
    get: () => receive,
    set(next: Transport['onmessage']) {
      if (!next) {
        receive = undefined;
        return;
      }
      receive = (message, extra) => {
        if ('method' in message || unanswered === 0) {
          if (mayPass()) next(message, extra);
          return;
        }
        unanswered -= 1;
        next(message, extra);
      };
    },
  });
  return {
    get failure() {
      return failure;
    },
  };
}

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { GenieError } from '../genie-error.ts';
import { type Clock, systemClock } from '../ports/clock.ts';
import { type ChannelLimits, channelInputError, copyWithinLimits, defaultChannelLimits } from './channel-input.ts';
import { createTokenBucket, type TokenBucket, type TokenRate } from './token-bucket.ts';

/** `invoke` asks and gets an answer, `send` only tells, both from the user interface; `push` goes to it. */
export type ChannelDirection = 'invoke' | 'send' | 'push';

/** One named channel, as data. */
export interface ChannelDefinition<Input = unknown> {
  readonly direction: ChannelDirection;
  readonly input: StandardSchemaV1<unknown, Input>;
  /** How often one connection may use it; pushes are not limited. Default 20 at once and 10 a second. */
  readonly rate?: TokenRate;
}

/** Channels by name. What is not in it does not exist. */
export type ChannelContract = Readonly<Record<string, ChannelDefinition>>;

/** The channels of a contract that go in one direction. */
export type NamesOf<Contract extends ChannelContract, Direction extends ChannelDirection> = {
  [Name in keyof Contract & string]: Contract[Name]['direction'] extends Direction ? Name : never;
}[keyof Contract & string];

/** What a handler gets: the parsed input. */
export type ChannelInput<Definition extends ChannelDefinition> = StandardSchemaV1.InferOutput<Definition['input']>;

/** The runtime's side of the channels that come from the user interface. A missing handler makes its channel unknown. */
export type ChannelHandlers<Contract extends ChannelContract> = {
  readonly [Name in NamesOf<Contract, 'invoke' | 'send'>]?: (
    input: ChannelInput<Contract[Name]>,
    context: { readonly signal: AbortSignal },
  ) => unknown;
};

export interface ChannelConnectionOptions<Contract extends ChannelContract> {
  readonly contract: Contract;
  readonly handlers: ChannelHandlers<Contract>;
  /** Takes what is pushed to this connection, in order. */
  readonly onPush?: (channel: NamesOf<Contract, 'push'>, payload: unknown) => void;
  readonly clock?: Pick<Clock, 'elapsed'>;
  readonly limits?: Partial<ChannelLimits>;
}

/**
 * One user interface. Names and values are whatever the other side sent; each message passes the list of channels, the rate
 * of its channel, the limits and the schema, in this order, before a handler sees it. Errors by code:
 * `GENIE_CHANNEL_UNKNOWN`, `GENIE_CHANNEL_RATE` (`details.retryAfterMs`), `GENIE_CHANNEL_INPUT`, `GENIE_CHANNEL_CLOSED`.
 */
export interface ChannelConnection<Contract extends ChannelContract> {
  /** Answers with what the handler returned; rejects with what it threw. */
  invoke(channel: string, input?: unknown): Promise<unknown>;
  /** Resolves when the handler has taken it. */
  send(channel: string, input?: unknown): Promise<void>;
  push<Name extends NamesOf<Contract, 'push'>>(channel: Name, payload: ChannelInput<Contract[Name]>): Promise<void>;
  /** Aborts the handlers under way. May be called twice. */
  close(): void;
}

const defaultRate: TokenRate = { burst: 20, refillPerSecond: 10 };

/** Opens the channels for one user interface; each has token buckets of its own. */
export function connectChannels<Contract extends ChannelContract>(
  options: ChannelConnectionOptions<Contract>,
): ChannelConnection<Contract> {
  const { contract, onPush, clock = systemClock } = options;
  const handlers = options.handlers as Readonly<Record<string, ((...rest: unknown[]) => unknown) | undefined>>;
  const limits: ChannelLimits = { ...defaultChannelLimits, ...options.limits };
  const buckets = new Map<string, TokenBucket>();
  const closing = new AbortController();
  let pushed: Promise<void> = Promise.resolve();

  for (const [name, { rate, direction }] of Object.entries(contract)) {
    if (direction !== 'push') buckets.set(name, createTokenBucket(rate ?? defaultRate, clock));
  }

  function find(channel: string, direction: ChannelDirection): ChannelDefinition {
    if (closing.signal.aborted)
      throw new GenieError('GENIE_CHANNEL_CLOSED', 'This connection is closed. Connect again.');
    const definition = Object.hasOwn(contract, channel) ? contract[channel] : undefined;
    if (definition?.direction === direction && (direction === 'push' || Object.hasOwn(handlers, channel)))
      return definition;
    const shown = JSON.stringify(String(channel).slice(0, 80));
    throw new GenieError('GENIE_CHANNEL_UNKNOWN', `There is no channel ${shown} to ${direction}.`, {
      details: { channel: String(channel).slice(0, 80), direction },
    });
  }

  async function receive(channel: string, direction: 'invoke' | 'send', value: unknown): Promise<unknown> {
    const definition = find(channel, direction);
    const bucket = buckets.get(channel);
    if (bucket && !bucket.take()) throw rateError(channel, bucket.waitMs());
    const input = await parse(channel, definition, copyWithinLimits(channel, value, limits));
    return handlers[channel]?.(input, { signal: closing.signal });
  }

  return {
    invoke: async (channel, input) => receive(channel, 'invoke', input),
    async send(channel, input) {
      await receive(channel, 'send', input);
    },
    async push(channel, payload) {
      const definition = find(channel, 'push');
      const copied = copyWithinLimits(channel, payload, limits);
      const parsed = parse(channel, definition, copied);
      const result = Promise.all([parsed, pushed]).then(([value]) => onPush?.(channel, value));
      pushed = result.then(
        () => undefined,
        () => undefined,
      );
      await result;
    },
    close() {
      closing.abort(new GenieError('GENIE_CHANNEL_CLOSED', 'The connection was closed.'));
    },
  };
}

async function parse(channel: string, { input }: ChannelDefinition, value: unknown): Promise<unknown> {
  const result = await input['~standard'].validate(value);
  if (!result.issues) return result.value;
  const [issue] = result.issues;
  const path = (issue?.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  throw channelInputError(channel, path, `is refused (${issue?.message ?? 'no reason given'})`);
}

function rateError(channel: string, retryAfterMs: number): GenieError {
  return new GenieError('GENIE_CHANNEL_RATE', `Channel "${channel}" is used too often; wait ${retryAfterMs} ms.`, {
    details: { channel, retryAfterMs },
  });
}

import type { JsonValue } from '../json.ts';

/** `<domain>.<subdomain>.<resource>.<action>`, lower-case words with dashes: `genie.run.briefing.delivered`. */
export type Subject = string;

export interface BusMessage {
  /** The sender's; the same id twice within the bus's memory is one message. */
  readonly id: string;
  readonly subject: Subject;
  readonly payload: JsonValue;
  /** Epoch ms, by the sender's clock. */
  readonly at: number;
  /** 1 for the first delivery to this consumer. */
  readonly attempt: number;
}

export interface BusCapabilities {
  readonly name: string;
  /** True when messages and the places of durable consumers survive every process. */
  readonly durable: boolean;
}

export interface SubscribeOptions {
  /** `*` stands for one word, `>` at the end for the rest. */
  readonly subject: string;
  /**
   * With a name: servers of the same name share the messages, and the place survives them. Without: every subscriber gets every message from
   * now on.
   */
  readonly durable?: string;
  /** After so many failed deliveries a message goes to the dead letters. Default 5. */
  readonly maxAttempts?: number;
  /** Messages under way at once. Default 16. */
  readonly concurrency?: number;
}

export interface DeadLetter {
  readonly message: BusMessage;
  readonly consumer: string;
  readonly reason: string;
}

/** What is known of somebody who says that it is there. */
export interface PresenceEntry {
  readonly key: string;
  readonly value: JsonValue;
}

/**
 * Events between servers. Rejects with `GENIE_BUS_SUBJECT` (a subject outside the catalogue, a bad pattern), `GENIE_BUS_MESSAGE` (a payload that
 * the catalogue refuses or that is too large), `GENIE_BUS_CLOSED` and `GENIE_BUS_FAILED`.
 */
export interface MessageBus {
  readonly capabilities: BusCapabilities;
  /** Resolves when the bus has it as durably as it can; false when a message of this id was there before. */
  publish(message: { readonly id: string; readonly subject: Subject; readonly payload: JsonValue }): Promise<boolean>;
  /** Calls the handler for each message, again when it rejects. Returns a function that ends it. */
  subscribe(
    options: SubscribeOptions,
    handler: (message: BusMessage) => Promise<void> | void,
  ): Promise<() => Promise<void>>;
  /** Messages nobody could handle, oldest first. */
  deadLetters(limit?: number): Promise<readonly DeadLetter[]>;
  /** Says that `key` is there, until the function is called or the process is gone for a while. */
  announce(key: string, value: JsonValue): Promise<() => Promise<void>>;
  /** Who is there now, in order of key. */
  present(): Promise<readonly PresenceEntry[]>;
  /** Idempotent. */
  close(): Promise<void>;
}

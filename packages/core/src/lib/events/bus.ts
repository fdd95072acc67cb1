import { type Channel, channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'eventemitter3';
import { describeThrown, type ErrorRecord, GenieError } from '../genie-error.ts';
import type { EventOf, GenieEvent, GenieEventType } from './genie-event.ts';
import { createRingBuffer } from './ring-buffer.ts';

export type EventListener<Type extends GenieEventType> = (event: EventOf<Type>) => void;
export type AnyEventListener = (event: GenieEvent) => void;

/** Returns what is wrong with an event, or undefined. `validateEvent` of the catalogue is one. */
export type EventValidator = (event: GenieEvent) => string | undefined;

export interface EventBusOptions {
  /** How many events are kept for debugging. Default 500. */
  readonly history?: number;
  /** Checks every payload against the catalogue; for development. `true` loads the catalogue when the bus is made. */
  readonly validate?: boolean | EventValidator;
  /** Told about listeners that throw, that pile up, and invalid events. The bus itself never throws. */
  readonly onWarning?: (warning: ErrorRecord) => void;
}

export interface EventBus {
  on<Type extends GenieEventType>(type: Type, listener: EventListener<Type>): () => void;
  once<Type extends GenieEventType>(type: Type, listener: EventListener<Type>): () => void;
  off<Type extends GenieEventType>(type: Type, listener: EventListener<Type>): void;
  /** Every event, after the listeners of its type. */
  onAny(listener: AnyEventListener): () => void;
  offAny(listener: AnyEventListener): void;
  /** Calls the listeners synchronously, in the order they came. Never throws. */
  emit(event: GenieEvent): void;
  /** The last events, oldest first. */
  history(): readonly GenieEvent[];
  listenerCount(type: GenieEventType): number;
  /** Resolves when the catalogue is loaded; at once when the bus does not validate. */
  ready(): Promise<void>;
}

const anyEvent = '*';
const listenersBeforeWarning = 5;

/**
 * A typed bus. A listener that throws harms nobody else; more than 5 listeners on one event are reported once as a leak;
 * each event is also published to `diagnostics_channel` as `genie:<type>` when somebody subscribes there.
 *
 * Throws `GENIE_EVENT_OPTIONS` for a history that is no whole number.
 */
export function createEventBus(options: EventBusOptions = {}): EventBus {
  const { history = 500, validate = false, onWarning = () => undefined } = options;
  if (!Number.isSafeInteger(history) || history < 0) {
    throw new GenieError('GENIE_EVENT_OPTIONS', `createEventBus: history is ${history}; pass a whole number from 0.`);
  }
  return new GenieEventBus(history, validate, onWarning);
}

/** A listener may turn out to be asynchronous. */
type Listener = (event: GenieEvent) => unknown;

class GenieEventBus implements EventBus {
  readonly #emitter = new EventEmitter<string, unknown>();
  readonly #channels = new Map<string, Channel>();
  readonly #guards = new Map<string, Map<Listener, (event: GenieEvent) => void>>();
  readonly #reported = new Set<string>();
  readonly #kept: ReturnType<typeof createRingBuffer<GenieEvent>>;
  readonly #onWarning: (warning: ErrorRecord) => void;
  readonly #loading: Promise<void>;
  #validator: EventValidator | undefined;

  constructor(history: number, validate: boolean | EventValidator, onWarning: (warning: ErrorRecord) => void) {
    this.#kept = createRingBuffer(history);
    this.#onWarning = onWarning;
    this.#loading = validate === true ? this.#loadCatalogue() : Promise.resolve();
    if (typeof validate === 'function') this.#validator = validate;
    // A property of its own, so that `emit` can be handed on as an EventSink.
    this.emit = this.emit.bind(this);
  }

  on<Type extends GenieEventType>(type: Type, listener: EventListener<Type>): () => void {
    return this.#add(type, listener as Listener);
  }

  once<Type extends GenieEventType>(type: Type, listener: EventListener<Type>): () => void {
    const remove = this.#add(type, listener as Listener, () => remove());
    return remove;
  }

  off<Type extends GenieEventType>(type: Type, listener: EventListener<Type>): void {
    this.#remove(type, listener as Listener);
  }

  onAny(listener: AnyEventListener): () => void {
    return this.#add(anyEvent, listener);
  }

  offAny(listener: AnyEventListener): void {
    this.#remove(anyEvent, listener);
  }

  emit(event: GenieEvent): void {
    if (this.#validator) this.#check(event, this.#validator);
    this.#kept.add(event);
    let published = this.#channels.get(event.type);
    if (published === undefined) {
      published = channel(`genie:${event.type}`);
      this.#channels.set(event.type, published);
    }
    if (published.hasSubscribers) published.publish(event);
    this.#emitter.emit(event.type, event);
    this.#emitter.emit(anyEvent, event);
  }

  history(): readonly GenieEvent[] {
    return this.#kept.values();
  }

  listenerCount(type: GenieEventType): number {
    return this.#emitter.listenerCount(type);
  }

  ready(): Promise<void> {
    return this.#loading;
  }

  #add(type: string, listener: Listener, before?: () => void): () => void {
    const guards = this.#guards.get(type) ?? new Map<Listener, (event: GenieEvent) => void>();
    this.#guards.set(type, guards);
    // The same listener twice would leave no way to take one of them off.
    this.#remove(type, listener);
    const guarded = (event: GenieEvent): void => {
      before?.();
      const report = (error: unknown): void =>
        this.#warn('GENIE_EVENT_LISTENER', `A listener of "${event.type}" threw: ${describeThrown(error)}`, { type });
      try {
        const result: unknown = listener(event);
        if (result instanceof Promise) result.catch(report);
      } catch (error) {
        report(error);
      }
    };
    guards.set(listener, guarded);
    this.#emitter.on(type, guarded);
    this.#warnOfLeak(type);
    return () => {
      if (guards.get(listener) === guarded) this.#remove(type, listener);
    };
  }

  #remove(type: string, listener: Listener): void {
    const guarded = this.#guards.get(type)?.get(listener);
    if (!guarded) return;
    this.#guards.get(type)?.delete(listener);
    this.#emitter.off(type, guarded);
  }

  #warnOfLeak(type: string): void {
    const count = this.#emitter.listenerCount(type);
    if (count <= listenersBeforeWarning || this.#reported.has(type)) return;
    this.#reported.add(type);
    const what = type === anyEvent ? 'all events' : `"${type}"`;
    const advice = 'Take listeners off with the function that "on" returned.';
    this.#warn('GENIE_EVENT_LEAK', `${count} listeners on ${what}; this looks like a leak. ${advice}`, { type, count });
  }

  #check(event: GenieEvent, validator: EventValidator): void {
    let problem: string | undefined;
    try {
      problem = validator(event);
    } catch (error) {
      problem = describeThrown(error);
    }
    if (problem === undefined) return;
    const { type, source } = event;
    this.#warn('GENIE_EVENT_INVALID', `The event "${type}" of ${source} is not what the catalogue says: ${problem}`, {
      type,
      source,
    });
  }

  async #loadCatalogue(): Promise<void> {
    try {
      const { validateEvent } = await import('./catalogue.ts');
      for (const event of this.#kept.values()) this.#check(event, validateEvent);
      this.#validator = validateEvent;
    } catch (error) {
      this.#warn('GENIE_EVENT_INVALID', `The catalogue cannot be loaded: ${describeThrown(error)}`, {});
    }
  }

  #warn(code: ErrorRecord['code'], message: string, details: Record<string, unknown>): void {
    try {
      this.#onWarning({ code, message, details });
    } catch {
      // Whoever reports warnings must not break the run either.
    }
  }
}

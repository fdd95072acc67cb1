/** Values that a span attribute may have. */
export type TelemetryValue = string | number | boolean | string[];

/** The part of an OpenTelemetry `Span` (`@opentelemetry/api` 1.x) that is used here. */
export interface TelemetrySpan {
  setAttribute(name: string, value: TelemetryValue): unknown;
  addEvent(name: string, attributes?: Record<string, TelemetryValue>, time?: Date): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  end(time?: Date): void;
}

/** The part of an OpenTelemetry `Context` that samplers and processors read. */
export interface TelemetryContext {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): TelemetryContext;
  deleteValue(key: symbol): TelemetryContext;
}

export interface TelemetrySpanOptions {
  kind?: number;
  attributes?: Record<string, TelemetryValue>;
  startTime?: Date;
}

/** What `trace.getTracer('genie')` of `@opentelemetry/api` returns. */
export interface TelemetryTracer<Span extends TelemetrySpan = TelemetrySpan> {
  startSpan(name: string, options?: TelemetrySpanOptions, context?: TelemetryContext): Span;
}

/** `SpanKind` and `SpanStatusCode` of `@opentelemetry/api`. */
export const spanKind = { internal: 0, client: 2 } as const;
export const spanStatusError = 2;

/** Where `@opentelemetry/api` 1.x keeps the parent: a registered symbol, so that several copies of it find each other. */
const spanKey = Symbol.for('OpenTelemetry Context Key SPAN');

/** A context with this span as the parent, made without the API package, which is no dependency of ours. */
export function contextOf(span: TelemetrySpan): TelemetryContext {
  return contextWith(new Map<symbol, unknown>([[spanKey, span]]));
}

function contextWith(values: ReadonlyMap<symbol, unknown>): TelemetryContext {
  return {
    getValue: (key) => values.get(key),
    setValue: (key, value) => contextWith(new Map([...values, [key, value]])),
    deleteValue: (key) => contextWith(new Map([...values].filter(([other]) => other !== key))),
  };
}

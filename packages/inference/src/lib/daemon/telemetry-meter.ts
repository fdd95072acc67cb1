/** Names and numbers; never text of a conversation. */
export type TelemetryAttributes = Record<string, string | number>;

/** A histogram of OpenTelemetry, as far as it is used here. */
export interface TelemetryInstrument {
  record(value: number, attributes?: TelemetryAttributes): void;
}

/** An observable gauge or counter of OpenTelemetry, as far as it is used here. */
export interface TelemetryObservable {
  addCallback(callback: (result: { observe(value: number, attributes?: TelemetryAttributes): void }) => void): void;
  removeCallback(callback: (result: { observe(value: number, attributes?: TelemetryAttributes): void }) => void): void;
}

/** The part of `Meter` of `@opentelemetry/api` that the daemon needs; a real one fits. */
export interface TelemetryMeter {
  createHistogram(name: string, options?: { description?: string; unit?: string }): TelemetryInstrument;
  createObservableGauge(name: string, options?: { description?: string; unit?: string }): TelemetryObservable;
  createObservableCounter(name: string, options?: { description?: string; unit?: string }): TelemetryObservable;
}

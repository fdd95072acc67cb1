export type { AnyEventListener, EventBus, EventBusOptions, EventListener, EventValidator } from './lib/events/bus.ts';
export { createEventBus } from './lib/events/bus.ts';
export { eventSchemas, validateEvent } from './lib/events/catalogue.ts';
export type { TelemetryOptions } from './lib/events/telemetry.ts';
export { connectTelemetry } from './lib/events/telemetry.ts';
export type {
  TelemetryContext,
  TelemetrySpan,
  TelemetrySpanOptions,
  TelemetryTracer,
  TelemetryValue,
} from './lib/events/telemetry-tracer.ts';

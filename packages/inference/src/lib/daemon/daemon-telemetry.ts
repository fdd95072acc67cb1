import type { DaemonEvent } from './daemon.ts';
import type { DaemonMetrics } from './daemon-metrics.ts';
import type { TelemetryAttributes, TelemetryMeter, TelemetryObservable } from './telemetry-meter.ts';

type Read = (metrics: DaemonMetrics) => number | undefined;

const gauges: readonly (readonly [name: string, unit: string, description: string, read: Read])[] = [
  ['genie.daemon.queue.depth', '{request}', 'Requests that wait', (metrics) => metrics.queueDepth],
  ['genie.daemon.running', '{request}', 'Requests that run', (metrics) => metrics.running],
  ['genie.daemon.load', '1', 'Share of the last minute that workers were busy', (metrics) => metrics.load],
  ['genie.daemon.tokens.rate', '{token}/s', 'Tokens generated a second', (metrics) => metrics.tokensPerSecond],
  ['genie.daemon.layers.hit_rate', '1', 'Layers that were loaded already', (metrics) => metrics.layerHitRate],
  ['genie.daemon.prefix.hit_rate', '1', 'Prompts whose beginning was known', (metrics) => metrics.prefixHitRate],
  ['genie.daemon.layers.bytes', 'By', 'Layers in memory', (metrics) => metrics.layerBytes],
  ['genie.daemon.state.bytes', 'By', 'Evicted KV on disk', (metrics) => metrics.stateBytes],
];

const counters: typeof gauges = [
  ['genie.daemon.requests', '{request}', 'Requests taken', (metrics) => metrics.requests.total],
  ['genie.daemon.requests.aborted', '{request}', 'Requests aborted', (metrics) => metrics.requests.aborted],
  [
    'genie.daemon.worker.restarts',
    '{restart}',
    'Workers replaced',
    ({ workers }) => workers.reduce((sum, { restarts }) => sum + restarts, 0),
  ],
  ['genie.daemon.layers.evictions', '{layer}', 'Layers evicted', (metrics) => metrics.layerEvictions],
];

/**
 * Records a daemon on an OpenTelemetry meter: durations under the GenAI names for servers, and what {@link DaemonMetrics} holds. Names and numbers only, never text.
 * https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/
 */
export function connectMeter(
  meter: TelemetryMeter,
  metrics: () => DaemonMetrics,
): { note(event: DaemonEvent): void; close(): void } {
  const seconds = (name: string, description: string) => meter.createHistogram(name, { description, unit: 's' });
  const duration = seconds('gen_ai.server.request.duration', 'From submission to the end');
  const firstToken = seconds('gen_ai.server.time_to_first_token', 'From submission to the first token');
  const perToken = seconds('gen_ai.server.time_per_output_token', 'After the first one');
  const closers = [
    ...gauges.map((one) => observe(meter.createObservableGauge(one[0], about(one)), one[3], metrics)),
    ...counters.map((one) => observe(meter.createObservableCounter(one[0], about(one)), one[3], metrics)),
  ];
  return {
    note(event) {
      if (event.type === 'request.failed')
        duration.record(event.latencyMs / 1_000, { ...attributesOf(event.model), 'error.type': event.code });
      if (event.type !== 'request.completed') return;
      const attributes = attributesOf(event.model);
      const { outputTokens, tookMs, firstTokenMs } = event.result;
      duration.record(event.latencyMs / 1_000, attributes);
      firstToken.record(event.firstTokenMs / 1_000, attributes);
      if (outputTokens > 1) perToken.record((tookMs - firstTokenMs) / 1_000 / (outputTokens - 1), attributes);
    },
    close: () => {
      for (const close of closers) close();
    },
  };
}

function about([, unit, description]: (typeof gauges)[number]): { unit: string; description: string } {
  return { unit, description };
}

function attributesOf(model: string): TelemetryAttributes {
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'local',
    'gen_ai.request.model': model,
  };
}

function observe(instrument: TelemetryObservable, read: Read, metrics: () => DaemonMetrics): () => void {
  const callback: Parameters<TelemetryObservable['addCallback']>[0] = (result) => {
    const value = read(metrics());
    if (value !== undefined) result.observe(value);
  };
  instrument.addCallback(callback);
  return () => instrument.removeCallback(callback);
}

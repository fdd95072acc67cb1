import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Tracer } from '@opentelemetry/api';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { createEventBus } from './bus.ts';
import type { GenieEvent } from './genie-event.ts';
import { connectTelemetry, type TelemetryOptions } from './telemetry.ts';
import { spanKind, spanStatusError, type TelemetryTracer } from './telemetry-tracer.ts';

/** A finished span of the real SDK, as far as these tests look at it. Times are milliseconds after `at`. */
interface SeenSpan {
  readonly name: string;
  readonly kind: number;
  readonly id: string;
  readonly traceId: string;
  readonly parentId?: string;
  readonly times: readonly [number, number];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly string[];
  readonly status: { readonly code: number; readonly message?: string };
}

const at = Date.UTC(2026, 0, 5, 12);
const base = { source: 'test', runId: 'run_1' };
const usage = { inputTokens: 120, outputTokens: 30, cachedInputTokens: 100, modelCalls: 1 };
const call = { ...base, step: 1, callId: 'call_1', tool: 'search' };
const error = { code: 'GENIE_TOOL_TIMEOUT', message: 'took too long' } as const;

const story: readonly GenieEvent[] = [
  { ...base, type: 'run.started', at, trigger: { kind: 'schedule', dueAt: at }, goal: 'secret goal' },
  { ...base, type: 'gate.decided', at, wake: true, reason: 'two new commits' },
  { ...base, type: 'step.started', at: at + 10, step: 1, modelId: 'model-a' },
  { ...base, type: 'model.failed', at: at + 15, step: 1, error, willRetry: true },
  { ...base, type: 'text.delta', at: at + 16, step: 1, text: 'secret words' },
  { ...base, type: 'step.completed', at: at + 20, step: 1, usage, costUsd: 0.01, toolCalls: 2 },
  { ...call, type: 'tool.called', at: at + 20, input: { q: 'secret query' }, effect: 'read' },
  { ...call, type: 'tool.called', at: at + 21, callId: 'call_2', tool: 'fetch', input: {}, effect: 'once' },
  { ...call, type: 'tool.completed', at: at + 30, output: 'secret result', tookMs: 10 },
  { ...call, type: 'tool.failed', at: at + 40, callId: 'call_2', tool: 'fetch', error, tookMs: 19 },
  { ...base, type: 'approval.requested', at: at + 41, approvalId: 'apr_1', kind: 'egress', title: 'secret title' },
  { ...base, type: 'loop.finished', at: at + 50, step: 1, reason: 'stop', usage, costUsd: 0.01 },
  { ...base, type: 'run.ended', at: at + 60, status: 'completed' },
];

/**
 * Runs `body` beside the real SDK in a process of its own, because the package conditions of the test runner select builds of
 * the SDK that Node cannot load. `bus`, `tracer`, `api`, `connectTelemetry` and `input` are in scope; answers with the finished
 * spans and with what the body returned.
 */
async function besideSdk(body: string, input: unknown): Promise<{ spans: SeenSpan[]; returned: unknown }> {
  const urlOf = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
  const code = `
    import * as api from '@opentelemetry/api';
    import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
    import { createEventBus } from ${urlOf('./bus.ts')};
    import { connectTelemetry } from ${urlOf('./telemetry.ts')};
    import { contextOf } from ${urlOf('./telemetry-tracer.ts')};
    const exporter = new InMemorySpanExporter();
    const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer('genie');
    const bus = createEventBus();
    const input = ${JSON.stringify(input)};
    const returned = (() => { ${body} })();
    const timeOf = (time) => time[0] * 1000 + Math.round(time[1] / 1e6) - ${at};
    const spans = exporter.getFinishedSpans().map((span) => ({
      name: span.name,
      kind: span.kind,
      id: span.spanContext().spanId,
      traceId: span.spanContext().traceId,
      parentId: span.parentSpanContext?.spanId,
      times: [timeOf(span.startTime), timeOf(span.endTime)],
      attributes: span.attributes,
      events: span.events.map((event) => event.name),
      status: span.status,
    }));
    console.log(JSON.stringify({ spans, returned }));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@genie/source', '--input-type=module', '-e', code],
    { cwd: import.meta.dirname },
  );
  return JSON.parse(stdout) as { spans: SeenSpan[]; returned: unknown };
}

async function spansOf(
  events: readonly GenieEvent[],
  options: Partial<TelemetryOptions> = {},
): Promise<Map<string, SeenSpan>> {
  const body =
    'connectTelemetry({ bus, tracer, ...input.options }); for (const event of input.events) bus.emit(event);';
  const { spans } = await besideSdk(body, { events, options });
  return new Map(spans.map((span) => [span.name, span]));
}

describe('connectTelemetry', () => {
  it('makes one trace of a run with the names of the conventions', async () => {
    const spans = await spansOf(story, { genieId: 'genie_1', genieName: 'Herald', provider: 'anthropic' });
    const names = ['invoke_agent Herald', 'chat model-a', 'execute_tool search', 'execute_tool fetch'];
    const [root, chat, search, fetch] = names.map((name) => spans.get(name));
    expect(spans.size).toBe(4);
    expect(root?.parentId).toBeUndefined();
    for (const child of [chat, search, fetch])
      expect([child?.parentId, child?.traceId]).toEqual([root?.id, root?.traceId]);
    expect([root, chat, search, fetch].map((span) => span?.times)).toEqual([
      [0, 60],
      [10, 20],
      [20, 30],
      [21, 40],
    ]);
    expect(root?.attributes).toEqual({
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.conversation.id': 'run_1',
      'gen_ai.agent.id': 'genie_1',
      'gen_ai.agent.name': 'Herald',
      'genie.run.trigger': 'schedule',
      'genie.run.wake_reason': 'two new commits',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 120,
      'gen_ai.usage.output_tokens': 30,
      'genie.cost.usd': 0.01,
      'genie.run.status': 'completed',
    });
    expect(chat?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.request.model': 'model-a',
      'gen_ai.usage.cache_read.input_tokens': 100,
      'genie.step': 1,
    });
    expect(search?.attributes).toMatchObject({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'search',
      'gen_ai.tool.call.id': 'call_1',
      'gen_ai.tool.type': 'function',
      'genie.tool.effect': 'read',
    });
    expect(search?.status.code).toBe(0);
    expect([fetch?.status, fetch?.attributes['error.type']]).toEqual([
      { code: spanStatusError, message: 'took too long' },
      'GENIE_TOOL_TIMEOUT',
    ]);
    expect([root?.events, chat?.events]).toEqual([['genie.approval.requested'], ['genie.model.failed']]);
  });

  it('records nothing of what was said or passed', async () => {
    expect(JSON.stringify([...(await spansOf(story)).values()])).not.toContain('secret');
  });

  it('ends whatever is open when a run fails, and marks it', async () => {
    const ended: GenieEvent = { ...base, type: 'run.ended', at: at + 99, status: 'failed', error };
    const spans = await spansOf([...story.slice(0, 8), ended]);
    expect([...spans.values()].map((span) => [span.name, span.times[1]])).toEqual([
      ['chat model-a', 20],
      ['execute_tool search', 99],
      ['execute_tool fetch', 99],
      ['invoke_agent', 99],
    ]);
    expect(spans.get('invoke_agent')?.status.code).toBe(spanStatusError);
  });

  it('a model call that fails for good is an error; a loop without a run makes spans of its own', async () => {
    const spans = await spansOf([
      { ...base, type: 'step.started', at, step: 1, modelId: 'model-a' },
      { ...base, type: 'model.failed', at: at + 5, step: 1, error, willRetry: false },
      { ...base, type: 'loop.finished', at: at + 6, step: 1, reason: 'model-error', usage, error },
    ]);
    const chat = spans.get('chat model-a');
    expect([chat?.status.code, chat?.parentId, chat?.times]).toEqual([spanStatusError, undefined, [0, 5]]);
  });

  it('a resumed run is marked', async () => {
    const spans = await spansOf([
      { ...base, type: 'run.resumed', at, recordedSteps: 2, recordedCalls: 1 },
      { ...base, type: 'run.ended', at: at + 1, status: 'completed' },
    ]);
    expect(spans.get('invoke_agent')?.attributes['genie.run.resumed']).toBe(true);
  });

  it('ends open spans when it is ended, and makes none after that', async () => {
    const body = `
      const end = connectTelemetry({ bus, tracer });
      bus.emit(input[0]);
      end();
      for (const event of input) bus.emit(event);`;
    expect((await besideSdk(body, story)).spans.map((span) => span.name)).toEqual(['invoke_agent']);
  });

  it('forgets the oldest of a thousand runs that never end', async () => {
    const body = `
      connectTelemetry({ bus, tracer });
      for (let index = 0; index < 1005; index += 1) bus.emit({ ...input, runId: 'run_' + index });`;
    const { spans } = await besideSdk(body, story[0]);
    expect(spans.map((span) => span.attributes['gen_ai.conversation.id'])).toEqual(
      Array.from({ length: 5 }, (_, index) => `run_${index}`),
    );
  });

  it('subscribes to nothing without a tracer', () => {
    const onAny = (): never => {
      throw new Error('subscribed');
    };
    expect(() => connectTelemetry({ bus: { ...createEventBus(), onAny }, tracer: undefined })()).not.toThrow();
  });
});

describe('contextOf', () => {
  it('is a context in which the real API finds the span, with the constants of the real API', async () => {
    const body = `
      const span = tracer.startSpan('parent');
      const own = contextOf(span);
      const key = Symbol('other');
      return {
        found: api.trace.getSpan(own) === span,
        foundAfterSet: api.trace.getSpan(own.setValue(key, 7)) === span && own.setValue(key, 7).getValue(key) === 7,
        foundAfterDelete: api.trace.getSpan(api.trace.deleteSpan(own)) !== undefined,
        constants: [api.SpanKind.INTERNAL, api.SpanKind.CLIENT, api.SpanStatusCode.ERROR],
      };`;
    expect((await besideSdk(body, null)).returned).toEqual({
      found: true,
      foundAfterSet: true,
      foundAfterDelete: false,
      constants: [spanKind.internal, spanKind.client, spanStatusError],
    });
  });

  it('accepts the tracer of the real API', () => {
    expectTypeOf<Tracer>().toExtend<TelemetryTracer>();
  });
});

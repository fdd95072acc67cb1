import type { ErrorRecord } from '../genie-error.ts';
import type { EventBus } from './bus.ts';
import type { EventOf, GenieEvent } from './genie-event.ts';
import { genAi, genieNames } from './telemetry-names.ts';
import {
  contextOf,
  spanKind,
  spanStatusError,
  type TelemetrySpan,
  type TelemetryTracer,
  type TelemetryValue,
} from './telemetry-tracer.ts';

export interface TelemetryOptions {
  readonly bus: Pick<EventBus, 'onAny'>;
  /** `trace.getTracer('genie')` of `@opentelemetry/api`. Without one nothing is subscribed. */
  readonly tracer?: TelemetryTracer | undefined;
  readonly genieId?: string;
  readonly genieName?: string;
  /** `gen_ai.provider.name` of the model calls, e.g. `anthropic`. */
  readonly provider?: string;
}

interface OpenRun {
  root?: TelemetrySpan;
  step?: TelemetrySpan;
  readonly calls: Map<string, TelemetrySpan>;
}

type Attributes = Record<string, TelemetryValue>;

/** Runs whose end never comes (their process was killed) do not pile up. */
const maxOpenRuns = 1_000;

/**
 * Turns the events of a bus into OpenTelemetry spans: `invoke_agent` for a run, in it `chat` for each model call and
 * `execute_tool` for each tool call. Names and numbers only; what was said and passed is never recorded.
 * Returns the function that ends it; open spans are ended then.
 */
export function connectTelemetry(options: TelemetryOptions): () => void {
  const { bus, tracer } = options;
  if (!tracer) return () => undefined;
  const spans = new RunSpans(tracer, options);
  const stop = bus.onAny((event) => spans.note(event));
  return () => {
    stop();
    spans.endAll();
  };
}

class RunSpans {
  readonly #runs = new Map<string, OpenRun>();
  readonly #tracer: TelemetryTracer;
  readonly #common: Attributes;
  readonly #provider: Attributes;
  readonly #agentName: string | undefined;

  constructor(tracer: TelemetryTracer, { genieId, genieName, provider }: TelemetryOptions) {
    this.#tracer = tracer;
    this.#agentName = genieName ?? genieId;
    this.#common = {
      ...(genieId === undefined ? {} : { [genAi.agentId]: genieId }),
      ...(genieName === undefined ? {} : { [genAi.agentName]: genieName }),
    };
    this.#provider = provider === undefined ? {} : { [genAi.provider]: provider };
  }

  note(event: GenieEvent): void {
    switch (event.type) {
      case 'run.started':
        this.#startRun(event, { [genieNames.trigger]: event.trigger.kind });
        break;
      case 'run.resumed':
        this.#startRun(event, { [genieNames.resumed]: true });
        break;
      case 'run.ended':
        this.#endRun(event);
        break;
      case 'step.started':
        this.#startStep(event);
        break;
      case 'step.completed':
        this.#endStep(event);
        break;
      case 'model.failed':
        this.#failModel(event);
        break;
      case 'tool.called':
        this.#startCall(event);
        break;
      case 'tool.completed':
      case 'tool.failed':
        this.#endCall(event);
        break;
      case 'loop.finished':
        this.#finishLoop(event);
        break;
      case 'gate.decided':
        this.#runs.get(event.runId)?.root?.setAttribute(genieNames.wakeReason, event.reason);
        break;
      case 'outcome.judged':
        this.#runs.get(event.runId)?.root?.setAttribute(genieNames.outcome, event.outcome);
        break;
      case 'approval.requested':
      case 'budget.exceeded':
      case 'repeat.detected':
        this.#runs.get(event.runId)?.root?.addEvent(`genie.${event.type}`, {}, new Date(event.at));
        break;
      default:
    }
  }

  endAll(): void {
    for (const run of this.#runs.values()) endSpans(run);
    this.#runs.clear();
  }

  #run(runId: string): OpenRun {
    let run = this.#runs.get(runId);
    if (!run) {
      run = { calls: new Map() };
      const [oldest] = this.#runs;
      if (oldest && this.#runs.size >= maxOpenRuns) {
        endSpans(oldest[1]);
        this.#runs.delete(oldest[0]);
      }
      this.#runs.set(runId, run);
    }
    return run;
  }

  #startRun(event: EventOf<'run.started' | 'run.resumed'>, attributes: Attributes): void {
    const run = this.#run(event.runId);
    if (run.root) {
      for (const [name, value] of Object.entries(attributes)) run.root.setAttribute(name, value);
      return;
    }
    const name = this.#agentName === undefined ? 'invoke_agent' : `invoke_agent ${this.#agentName}`;
    // No context is passed: a span around `run()` (a request of a server) becomes the parent.
    run.root = this.#tracer.startSpan(name, {
      kind: spanKind.internal,
      startTime: new Date(event.at),
      attributes: {
        [genAi.operation]: 'invoke_agent',
        [genAi.conversationId]: event.runId,
        ...this.#common,
        ...attributes,
      },
    });
  }

  #endRun({ runId, at, status, error }: EventOf<'run.ended'>): void {
    const run = this.#runs.get(runId);
    if (!run) return;
    this.#runs.delete(runId);
    run.root?.setAttribute(genieNames.status, status);
    if (run.root && status === 'failed') fail(run.root, error);
    endSpans(run, new Date(at));
  }

  #startStep(event: EventOf<'step.started'>): void {
    const run = this.#run(event.runId);
    run.step?.end(new Date(event.at));
    run.step = this.#startChild(run, event, `chat ${event.modelId}`, spanKind.client, {
      [genAi.operation]: 'chat',
      [genAi.requestModel]: event.modelId,
      [genieNames.step]: event.step,
      ...this.#provider,
    });
  }

  #endStep({ runId, at, usage, costUsd }: EventOf<'step.completed'>): void {
    const run = this.#runs.get(runId);
    if (!run?.step) return;
    run.step.setAttribute(genAi.inputTokens, usage.inputTokens);
    run.step.setAttribute(genAi.outputTokens, usage.outputTokens);
    if (usage.cachedInputTokens > 0) run.step.setAttribute(genAi.cachedInputTokens, usage.cachedInputTokens);
    if (costUsd !== undefined) run.step.setAttribute(genieNames.costUsd, costUsd);
    run.step.end(new Date(at));
    delete run.step;
  }

  #failModel({ runId, at, error, willRetry }: EventOf<'model.failed'>): void {
    const run = this.#runs.get(runId);
    if (!run?.step) return;
    run.step.addEvent('genie.model.failed', { [genAi.errorType]: error.code }, new Date(at));
    if (willRetry) return;
    fail(run.step, error);
    run.step.end(new Date(at));
    delete run.step;
  }

  #startCall(event: EventOf<'tool.called'>): void {
    const run = this.#run(event.runId);
    const span = this.#startChild(run, event, `execute_tool ${event.tool}`, spanKind.internal, {
      [genAi.operation]: 'execute_tool',
      [genAi.toolName]: event.tool,
      [genAi.toolCallId]: event.callId,
      [genAi.toolType]: 'function',
      [genieNames.effect]: event.effect,
      [genieNames.step]: event.step,
    });
    run.calls.get(event.callId)?.end(new Date(event.at));
    run.calls.set(event.callId, span);
  }

  #endCall(event: EventOf<'tool.completed' | 'tool.failed'>): void {
    const run = this.#runs.get(event.runId);
    const span = run?.calls.get(event.callId);
    if (!run || !span) return;
    if (event.type === 'tool.failed') fail(span, event.error);
    span.end(new Date(event.at));
    run.calls.delete(event.callId);
  }

  #finishLoop({ runId, at, reason, usage, costUsd, error }: EventOf<'loop.finished'>): void {
    const run = this.#runs.get(runId);
    if (!run) return;
    if (run.step && error) fail(run.step, error);
    run.step?.end(new Date(at));
    delete run.step;
    // A loop without a run around it ends here.
    if (!run.root) {
      endSpans(run, new Date(at));
      this.#runs.delete(runId);
      return;
    }
    run.root.setAttribute(genAi.finishReasons, [reason]);
    run.root.setAttribute(genAi.inputTokens, usage.inputTokens);
    run.root.setAttribute(genAi.outputTokens, usage.outputTokens);
    if (costUsd !== undefined) run.root.setAttribute(genieNames.costUsd, costUsd);
  }

  #startChild(run: OpenRun, event: GenieEvent, name: string, kind: number, attributes: Attributes): TelemetrySpan {
    const options = { kind, startTime: new Date(event.at), attributes: { ...attributes, ...this.#common } };
    return run.root
      ? this.#tracer.startSpan(name, options, contextOf(run.root))
      : this.#tracer.startSpan(name, options);
  }
}

function fail(span: TelemetrySpan, error: ErrorRecord | undefined): void {
  span.setStatus({ code: spanStatusError, ...(error ? { message: error.message } : {}) });
  if (error) span.setAttribute(genAi.errorType, error.code);
}

function endSpans({ calls, step, root }: OpenRun, at?: Date): void {
  for (const span of calls.values()) span.end(at);
  step?.end(at);
  root?.end(at);
}

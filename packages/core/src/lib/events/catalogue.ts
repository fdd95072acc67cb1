import { z } from 'zod';
import {
  approvalKind,
  approvalStatus,
  budgetLimit,
  claim,
  count,
  errorRecord,
  finishReason,
  jsonValue,
  kpiReading,
  milliseconds,
  moment,
  name,
  outcome,
  phaseName,
  runStatus,
  text,
  toolEffect,
  trigger,
  usage,
} from './catalogue-parts.ts';
import type { GenieEvent, GenieEventType } from './genie-event.ts';

const usd = z.number().nonnegative();
const host = { host: name, port: count } as const;

/** A schema that is made when it is first asked for. */
function lazily<Schema>(make: () => Schema): () => Schema {
  let made: Schema | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function base<const Type extends GenieEventType, Shape extends z.ZodRawShape>(type: Type, shape: Shape) {
  return lazily(() => z.object({ type: z.literal(type), at: moment, source: name, ...shape }).readonly());
}
function ofRun<const Type extends GenieEventType, Shape extends z.ZodRawShape>(type: Type, shape: Shape) {
  return base(type, { runId: name, ...shape });
}
function ofStep<const Type extends GenieEventType, Shape extends z.ZodRawShape>(type: Type, shape: Shape) {
  return ofRun(type, { step: count, ...shape });
}
function ofCall<const Type extends GenieEventType, Shape extends z.ZodRawShape>(type: Type, shape: Shape) {
  return ofStep(type, { callId: name, tool: name, ...shape });
}

/** A zod schema for every event of a genie, each made on first use. Members that an event does not name are ignored. */
export const eventSchemas = {
  'step.started': ofStep('step.started', { modelId: name }),
  'text.delta': ofStep('text.delta', { text }),
  'reasoning.delta': ofStep('reasoning.delta', { text }),
  'step.completed': ofStep('step.completed', { usage, costUsd: usd.exactOptional(), toolCalls: count }),
  'tool.called': ofCall('tool.called', { input: jsonValue, effect: toolEffect }),
  'tool.progress': ofCall('tool.progress', { message: text, fraction: z.number().min(0).max(1).exactOptional() }),
  'tool.completed': ofCall('tool.completed', { output: jsonValue, tookMs: milliseconds }),
  'tool.failed': ofCall('tool.failed', { error: errorRecord, tookMs: milliseconds }),
  'model.failed': ofStep('model.failed', { error: errorRecord, willRetry: z.boolean() }),
  'budget.exceeded': ofStep('budget.exceeded', { limit: budgetLimit, used: z.number(), allowed: z.number() }),
  'repeat.detected': ofStep('repeat.detected', { tool: name, times: count, stops: z.boolean() }),
  'context.trimmed': ofStep('context.trimmed', { droppedMessages: count, estimatedTokens: count }),
  'approval.requested': ofRun('approval.requested', {
    approvalId: name,
    kind: approvalKind,
    title: text,
    callId: name.exactOptional(),
  }),
  'approval.decided': ofRun('approval.decided', { approvalId: name, status: approvalStatus, by: name.exactOptional() }),
  'loop.finished': ofStep('loop.finished', {
    reason: finishReason,
    usage,
    costUsd: usd.exactOptional(),
    error: errorRecord.exactOptional(),
  }),
  'run.started': ofRun('run.started', { trigger, goal: text }),
  'run.resumed': ofRun('run.resumed', { recordedSteps: count, recordedCalls: count }),
  'run.ended': ofRun('run.ended', { status: runStatus, error: errorRecord.exactOptional() }),
  'phase.started': ofRun('phase.started', { phase: phaseName }),
  'phase.completed': ofRun('phase.completed', { phase: phaseName, tookMs: milliseconds }),
  'gate.decided': ofRun('gate.decided', { wake: z.boolean(), reason: text }),
  'plan.created': ofRun('plan.created', { steps: z.array(text).readonly(), modelId: name }),
  'memory.recalled': ofRun('memory.recalled', { items: count, tookMs: milliseconds }),
  'memory.stored': ofRun('memory.stored', { stored: count, queued: count }),
  'kpi.observed': ofRun('kpi.observed', { reading: kpiReading }),
  'outcome.judged': ofRun('outcome.judged', { outcome, claim }),
  'briefing.delivered': ofRun('briefing.delivered', { title: text, items: count, deliveries: count }),
  'schedule.fired': base('schedule.fired', { dueAt: moment, lateMs: milliseconds }),
  'schedule.missed': base('schedule.missed', {
    dueAt: moment,
    lateMs: milliseconds,
    action: z.enum(['skipped', 'run']),
  }),
  'schedule.recommended': base('schedule.recommended', { cron: name, reason: text }),
  'model.switched': base('model.switched', { from: name, to: name, reason: text }),
  'network.changed': base('network.changed', { state: z.enum(['online', 'offline', 'captive', 'degraded']) }),
  'egress.allowed': base('egress.allowed', { ...host, rule: text }),
  'egress.blocked': base('egress.blocked', { ...host, reason: text }),
  'home.taken-over': base('home.taken-over', { previousPid: count, generation: count }),
} as const satisfies { readonly [Type in GenieEventType]: () => z.ZodType };

/** What is wrong with an event, in words, or undefined when the catalogue knows it and its members are right. */
export function validateEvent(event: GenieEvent): string | undefined {
  const schema = Object.hasOwn(eventSchemas, event.type) ? eventSchemas[event.type]() : undefined;
  if (!schema) return `the catalogue has no event "${String(event.type)}"`;
  const result = schema.safeParse(event);
  if (result.success) return undefined;
  return result.error.issues.map((issue) => `${issue.path.join('.') || 'the event'}: ${issue.message}`).join('; ');
}

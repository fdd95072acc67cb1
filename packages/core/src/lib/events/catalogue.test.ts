import { readFileSync } from 'node:fs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import { type eventSchemas, validateEvent } from './catalogue.ts';
import type { EventOf, GenieEvent, GenieEventType } from './genie-event.ts';

type Schemas = typeof eventSchemas;
type OutputOf<Type extends GenieEventType> = z.output<ReturnType<Schemas[Type]>>;
/** The event types whose schema gives something else than the union says. */
type Different = {
  [Type in GenieEventType]: [OutputOf<Type>, EventOf<Type>] extends [EventOf<Type>, OutputOf<Type>] ? never : Type;
}[GenieEventType];

const usage = { inputTokens: 10, outputTokens: 2, cachedInputTokens: 0, modelCalls: 1 };
const error = { code: 'GENIE_TOOL_TIMEOUT', message: 'late' } as const;
const base = { at: 1, source: 'test' };
const ofRun = { ...base, runId: 'run_1' };
const ofStep = { ...ofRun, step: 1 };
const ofCall = { ...ofStep, callId: 'call_1', tool: 'search' };
const reading = {
  kpiId: 'news',
  name: 'News',
  unit: 'items',
  target: 3,
  status: 'no-data',
  grade: 'unverified',
  source: 'none',
} as const;

/** One of each, as the code emits them. */
const samples: { readonly [Type in GenieEventType]: EventOf<Type> } = {
  'step.started': { ...ofStep, type: 'step.started', modelId: 'offline' },
  'text.delta': { ...ofStep, type: 'text.delta', text: '' },
  'reasoning.delta': { ...ofStep, type: 'reasoning.delta', text: 'hm' },
  'step.completed': { ...ofStep, type: 'step.completed', usage, toolCalls: 0, costUsd: 0.01 },
  'tool.called': { ...ofCall, type: 'tool.called', input: { query: ['a', null] }, effect: 'read' },
  'tool.progress': { ...ofCall, type: 'tool.progress', message: 'half', fraction: 0.5 },
  'tool.completed': { ...ofCall, type: 'tool.completed', output: null, tookMs: 1.5 },
  'tool.failed': { ...ofCall, type: 'tool.failed', error, tookMs: 1 },
  'model.failed': { ...ofStep, type: 'model.failed', error: { ...error, details: { status: 500 } }, willRetry: true },
  'budget.exceeded': { ...ofStep, type: 'budget.exceeded', limit: 'usd', used: 1.2, allowed: 1 },
  'repeat.detected': { ...ofStep, type: 'repeat.detected', tool: 'search', times: 3, stops: false },
  'context.trimmed': { ...ofStep, type: 'context.trimmed', droppedMessages: 4, estimatedTokens: 1000 },
  'approval.requested': { ...ofRun, type: 'approval.requested', approvalId: 'apr_1', kind: 'egress', title: 'Read' },
  'approval.decided': { ...ofRun, type: 'approval.decided', approvalId: 'apr_1', status: 'allowed', by: 'user' },
  'loop.finished': { ...ofStep, type: 'loop.finished', reason: 'stop', usage },
  'run.started': {
    ...ofRun,
    type: 'run.started',
    trigger: { kind: 'event', name: 'x', payload: {} },
    goal: 'Brief me',
  },
  'run.resumed': { ...ofRun, type: 'run.resumed', recordedSteps: 2, recordedCalls: 1 },
  'run.ended': { ...ofRun, type: 'run.ended', status: 'failed', error },
  'phase.started': { ...ofRun, type: 'phase.started', phase: 'wake' },
  'phase.completed': { ...ofRun, type: 'phase.completed', phase: 'sleep', tookMs: 0.2 },
  'gate.decided': { ...ofRun, type: 'gate.decided', wake: false, reason: 'nothing new' },
  'plan.created': { ...ofRun, type: 'plan.created', steps: ['read'], modelId: 'offline' },
  'memory.recalled': { ...ofRun, type: 'memory.recalled', items: 3, tookMs: 2 },
  'memory.stored': { ...ofRun, type: 'memory.stored', stored: 2, queued: 0 },
  'kpi.observed': { ...ofRun, type: 'kpi.observed', reading },
  'outcome.judged': { ...ofRun, type: 'outcome.judged', outcome: 'unverified', claim: 'achieved' },
  'briefing.delivered': { ...ofRun, type: 'briefing.delivered', title: 'News', items: 2, deliveries: 1 },
  'schedule.fired': { ...base, type: 'schedule.fired', dueAt: 5, lateMs: 0 },
  'schedule.missed': { ...base, type: 'schedule.missed', dueAt: 5, lateMs: 9, action: 'skipped' },
  'schedule.recommended': { ...base, type: 'schedule.recommended', cron: '0 7 * * *', reason: 'mornings' },
  'model.switched': { ...base, type: 'model.switched', from: 'a', to: 'b', reason: 'offline' },
  'network.changed': { ...base, type: 'network.changed', state: 'captive' },
  'egress.allowed': { ...base, type: 'egress.allowed', host: 'example.com', port: 443, rule: 'grant' },
  'egress.blocked': { ...base, type: 'egress.blocked', host: 'example.com', port: 443, reason: 'unknown' },
  'home.taken-over': { ...base, type: 'home.taken-over', previousPid: 7, generation: 2 },
};

describe('eventSchemas', () => {
  it('give exactly what the union of events says', () => {
    expectTypeOf<Different>().toEqualTypeOf<never>();
    expectTypeOf<keyof Schemas>().toEqualTypeOf<GenieEventType>();
  });

  it('accept one of each event', () => {
    const problems = Object.values(samples).map((sample) => [sample.type, validateEvent(sample)]);
    expect(problems.filter(([, problem]) => problem !== undefined)).toEqual([]);
  });

  it('miss every member that is taken away, unless it is optional', () => {
    const optional = new Set(['costUsd', 'fraction', 'by', 'error', 'callId']);
    for (const sample of Object.values(samples)) {
      for (const member of Object.keys(sample)) {
        if (optional.has(member) && sample.type !== 'tool.failed' && sample.type !== 'model.failed') continue;
        if (member === 'fraction') continue;
        const { [member as keyof GenieEvent]: _removed, ...rest } = sample;
        expect(validateEvent(rest as GenieEvent), `${sample.type} without ${member}`).toBeDefined();
      }
    }
  });

  it('name the member that is wrong', () => {
    const wrong = { ...samples['kpi.observed'], reading: { ...reading, status: 'green' } } as unknown as GenieEvent;
    expect(validateEvent(wrong)).toMatch(/^reading\.status: /);
    const notJson = { ...samples['tool.completed'], output: new Map() } as unknown as GenieEvent;
    expect(validateEvent({ ...samples['tool.completed'], output: { a: Number.NaN } })).toMatch(/^output: /);
    expect(validateEvent({ ...notJson, output: () => 1 } as unknown as GenieEvent)).toMatch(/^output: /);
  });

  it('are not loaded by the bus or the event types', () => {
    const imports = ['bus.ts', 'genie-event.ts', 'ring-buffer.ts'].flatMap((file) =>
      [...readFileSync(new URL(file, import.meta.url), 'utf8').matchAll(/^import (?!type).*from '(.*)'/gm)].map(
        (match) => match[1],
      ),
    );
    expect(imports.filter((path) => path === 'zod' || path?.includes('catalogue'))).toEqual([]);
  });
});

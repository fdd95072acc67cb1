import { z } from 'zod';
import { validateEvent } from './catalogue.ts';
import { approvalStatus, jsonObject } from './catalogue-parts.ts';
import type { ChannelDefinition } from './channel.ts';
import type { GenieEvent } from './genie-event.ts';

const id = z.string().regex(/^[\w.:-]{1,128}$/, 'is no id');
const text = z.string().max(100_000);
const line = z.string().trim().min(1).max(2_000);
const moment = z.number().int();
const page = { before: id.optional(), limit: z.int().min(1).max(200).default(50) };
const nothing = z.object({}).optional();
const ofGenie = { genieId: id };
const ofRun = { genieId: id, runId: id };
const scheduleInput = z.object({
  cron: line,
  timezone: line.default('UTC'),
  misfire: z.enum(['skip', 'once', 'all']).default('once'),
});

const invoke = <Input extends z.ZodType>(input: Input, rate?: ChannelDefinition['rate']) =>
  ({ direction: 'invoke', input, ...(rate ? { rate } : {}) }) as const;
const send = <Input extends z.ZodType>(input: Input, rate: NonNullable<ChannelDefinition['rate']>) =>
  ({ direction: 'send', input, rate }) as const;
const push = <Input extends z.ZodType>(input: Input) => ({ direction: 'push', input }) as const;

/** A person types; a machine that answers at once is none. */
const chatRate = { burst: 10, refillPerSecond: 2 } as const;
/** Things that cost money or time. */
const costlyRate = { burst: 5, refillPerSecond: 0.2 } as const;

/**
 * Every channel between a user interface and the runtime. Servers, the desktop shell and the app serve or call these and no
 * others. Names are `noun:verb`.
 */
export const uiChannels = {
  'genie:list': invoke(nothing),
  'genie:show': invoke(z.object(ofGenie)),
  'genie:propose': invoke(z.object({ goal: line, sources: z.array(line).max(50).default([]) }), costlyRate),
  'genie:create': invoke(z.object({ goal: line, proposalId: id, edited: jsonObject.optional() }), costlyRate),
  'genie:rename': invoke(z.object({ ...ofGenie, name: line })),
  'genie:export': invoke(z.object(ofGenie), costlyRate),
  'genie:delete': invoke(z.object({ ...ofGenie, keepArchive: z.boolean() }), costlyRate),
  'run:start': invoke(z.object({ ...ofGenie, note: text.optional() }), costlyRate),
  'run:cancel': invoke(z.object(ofRun)),
  'run:resume': invoke(z.object(ofRun), costlyRate),
  'run:list': invoke(z.object({ ...ofGenie, ...page })),
  'run:show': invoke(z.object(ofRun)),
  'chat:send': invoke(z.object({ ...ofGenie, text: text.min(1), messageId: id.optional() }), chatRate),
  'chat:history': invoke(z.object({ ...ofGenie, ...page })),
  'briefing:list': invoke(z.object({ ...ofGenie, ...page })),
  'briefing:show': invoke(z.object(ofRun)),
  'briefing:rate': invoke(
    z.object({
      ...ofRun,
      itemId: id.optional(),
      rating: z.union([z.enum(['up', 'down', 'irrelevant']), z.int().min(1).max(5)]),
    }),
  ),
  'approval:list': invoke(z.object({ genieId: id.optional(), status: approvalStatus.optional() })),
  'approval:decide': invoke(
    z.object({
      approvalId: id,
      verdict: z.enum(['allow-once', 'allow-always', 'deny', 'deny-always']),
      note: text.optional(),
      edited: jsonObject.optional(),
    }),
  ),
  'grant:list': invoke(z.object({ genieId: id.optional() })),
  'grant:revoke': invoke(z.object({ grantId: id })),
  'memory:recall': invoke(z.object({ ...ofGenie, query: line, limit: z.int().min(1).max(100).default(10) })),
  'memory:list': invoke(z.object({ ...ofGenie, kind: id.optional(), ...page })),
  'memory:forget': invoke(
    z.object({ ...ofGenie, ids: z.array(id).min(1).max(1_000), dryRun: z.boolean().default(true) }),
  ),
  'metrics:dashboard': invoke(z.object({ ...ofGenie, from: moment.optional(), to: moment.optional() })),
  'schedule:show': invoke(z.object(ofGenie)),
  'schedule:set': invoke(z.object({ ...ofGenie, schedule: scheduleInput })),
  'model:list': invoke(nothing),
  'model:switch': invoke(z.object({ ...ofGenie, planning: line.optional(), execution: line.optional() })),
  'network:status': invoke(nothing),
  'workspace:list': invoke(z.object({ ...ofGenie, path: z.string().max(4_096).default('') })),
  'workspace:read': invoke(z.object({ ...ofGenie, path: z.string().min(1).max(4_096) })),
  'workspace:save': invoke(z.object({ ...ofGenie, path: z.string().min(1).max(4_096), text })),
  'settings:get': invoke(nothing),
  'settings:set': invoke(z.object({ settings: jsonObject })),
  'doctor:report': invoke(nothing, costlyRate),
  'terminal:open': invoke(z.object({ ...ofGenie, mode: z.enum(['read-only', 'full']) }), costlyRate),
  'terminal:close': invoke(z.object({ terminalId: id })),
  'stream:request': send(z.object(ofRun), { burst: 10, refillPerSecond: 2 }),
  'terminal:input': send(z.object({ terminalId: id, text: z.string().max(10_000) }), {
    burst: 200,
    refillPerSecond: 100,
  }),
  'terminal:resize': send(
    z.object({ terminalId: id, columns: z.int().min(1).max(1_000), rows: z.int().min(1).max(1_000) }),
    {
      burst: 20,
      refillPerSecond: 10,
    },
  ),
  'stream:chunk': push(z.object({ ...ofRun, text })),
  'genie:status': push(
    z.object({
      ...ofGenie,
      status: z.enum(['asleep', 'awake', 'waiting', 'failed', 'deleted']),
      nextWakeAt: moment.optional(),
    }),
  ),
  'run:event': push(
    z.object({ ...ofGenie, event: z.custom<GenieEvent>(isGenieEvent, 'is no event of the catalogue') }),
  ),
  'run:progress': push(z.object({ ...ofRun, step: z.int().min(0), message: text })),
  'chat:message': push(z.object({ ...ofGenie, messageId: id, from: z.enum(['user', 'genie']), text, at: moment })),
  'approval:changed': push(z.object({ ...ofGenie, approvalId: id, status: approvalStatus, title: text })),
  'briefing:delivered': push(z.object({ ...ofRun, title: text, items: z.int().min(0) })),
  'network:changed': push(z.object({ state: z.enum(['online', 'offline', 'captive', 'degraded']) })),
  'terminal:output': push(z.object({ terminalId: id, text })),
} as const;

export type UiChannels = typeof uiChannels;

function isGenieEvent(value: unknown): boolean {
  return typeof value === 'object' && value !== null && validateEvent(value as GenieEvent) === undefined;
}

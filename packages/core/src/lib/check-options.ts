import type { GenieOptions } from './genie.ts';
import { GenieError } from './genie-error.ts';
import type { LoopLimits } from './loop/loop-context.ts';
import type { Source, Trigger } from './run-record.ts';

/*
 * The form of what a caller passes, checked by hand: making a genie should not have to load a schema library. What has a check
 * of its own elsewhere (model, tools, budget, schedule) is left to it.
 */

const knownOptions: ReadonlySet<string> = new Set<keyof GenieOptions>([
  'goal',
  'model',
  'models',
  'prices',
  'home',
  'id',
  'instructions',
  'sources',
  'tools',
  'memory',
  'metrics',
  'egress',
  'approvals',
  'journal',
  'notifier',
  'schedule',
  'budget',
  'limits',
  'settings',
  'planning',
  'wakeGate',
  'concurrentRuns',
  'validateEvents',
  'telemetry',
  'onWarning',
  'clock',
  'ids',
]);

/** One method that each of these ports has. */
const ports = {
  memory: 'enrich',
  metrics: 'measure',
  egress: 'fetch',
  approvals: 'request',
  journal: 'open',
  notifier: 'notify',
  clock: 'elapsed',
  ids: 'next',
} as const satisfies { readonly [Name in keyof GenieOptions]?: string };

const sourceKinds: ReadonlySet<string> = new Set<Source['kind']>(['folder', 'git', 'feed', 'web', 'mcp']);

/** Names a run id, a file and a header can hold. */
const idForm = /^[\w.:@/-]{1,128}$/;

/** Throws `GENIE_OPTIONS` naming the option, the value and the fix. */
export function checkOptions(options: GenieOptions): void {
  if (typeof options !== 'object' || options === null)
    throw invalid('createGenie takes one object: createGenie({ goal, model }).');
  for (const name of Object.keys(options)) {
    if (!knownOptions.has(name))
      throw invalid(`createGenie knows no option "${name}". Known: ${[...knownOptions].join(', ')}.`);
  }
  const { goal, planning, concurrentRuns, home, id, instructions, sources, wakeGate } = options;
  if (typeof goal !== 'string' || goal.trim() === '')
    throw invalid(`goal is ${show(goal)}: describe in words what the genie should pursue.`);
  if (planning !== undefined && !['none', 'once', 'every-run'].includes(planning))
    throw invalid(`planning is ${show(planning)}: use "none", "once" or "every-run".`);
  if (concurrentRuns !== undefined && !(typeof concurrentRuns === 'number' && concurrentRuns >= 1))
    throw invalid(`concurrentRuns is ${show(concurrentRuns)}: use a number from 1.`);
  if (home !== undefined && (typeof home !== 'string' || home === ''))
    throw invalid(`home is ${show(home)}: pass the path of a folder, or leave it out.`);
  if (id !== undefined && !(typeof id === 'string' && idForm.test(id)))
    throw invalid(`id is ${show(id)}: use 1 to 128 letters, digits, "_", ".", ":", "@", "/" or "-".`);
  if (instructions !== undefined && typeof instructions !== 'string')
    throw invalid(`instructions is ${show(instructions)}: pass a text.`);
  if (wakeGate !== undefined && typeof wakeGate !== 'function')
    throw invalid(`wakeGate is ${show(wakeGate)}: pass a function, e.g. createSourceGate(inspect).`);
  if (sources !== undefined && !(Array.isArray(sources) && sources.every(isSource))) {
    const kinds = [...sourceKinds].join('", "');
    throw invalid(`sources is ${show(sources)}: pass a list of { kind, location } with a kind of "${kinds}".`);
  }
  for (const [name, method] of Object.entries(ports)) {
    const port = options[name as keyof typeof ports] as Record<string, unknown> | undefined;
    if (port !== undefined && typeof port?.[method] !== 'function')
      throw invalid(`${name} is ${show(port)}: it has no ${method}(). Pass an implementation of that port.`);
  }
  checkLimits(options.limits);
}

const limitNames: ReadonlySet<string> = new Set<keyof LoopLimits>([
  'modelTimeoutMs',
  'maxOutputCharacters',
  'faultTolerance',
  'contextTokens',
  'approvalWaitMs',
]);

/** Throws `GENIE_OPTIONS` for a limit that is unknown or no number from 0. Also for `runLoop`. */
export function checkLimits(limits: Partial<LoopLimits> | undefined): void {
  if (limits === undefined) return;
  if (typeof limits !== 'object' || limits === null) throw invalid(`limits is ${show(limits)}: pass an object.`);
  for (const [name, value] of Object.entries(limits)) {
    if (!limitNames.has(name)) throw invalid(`limits.${name} is not known. Known: ${[...limitNames].join(', ')}.`);
    if (!(typeof value === 'number' && value >= 0))
      throw invalid(`limits.${name} is ${show(value)}: use a number from 0.`);
  }
}

/** Throws `GENIE_OPTIONS` for something that cannot have woken a run. */
export function checkTrigger(trigger: Trigger): void {
  const { kind, text, name, dueAt } = (trigger ?? {}) as { readonly [member: string]: unknown };
  const isUsable =
    kind === 'manual' ||
    (kind === 'message' && typeof text === 'string') ||
    (kind === 'event' && typeof name === 'string') ||
    (kind === 'schedule' && typeof dueAt === 'number');
  if (isUsable) return;
  throw invalid(
    `The trigger is ${show(trigger)}: use { kind: "manual" }, { kind: "message", text }, { kind: "event", name } or { kind: "schedule", dueAt }.`,
  );
}

function isSource(source: Source | undefined): boolean {
  return typeof source?.location === 'string' && source.location !== '' && sourceKinds.has(source.kind);
}

function invalid(message: string): GenieError {
  return new GenieError('GENIE_OPTIONS', message);
}

function show(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 200);
  } catch {
    return `a ${typeof value}`;
  }
}

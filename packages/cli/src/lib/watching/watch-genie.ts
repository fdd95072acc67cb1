import { setTimeout as sleep } from 'node:timers/promises';
import type { Approval, Approvals, EventOf, GenieEvent, RunEvent } from '@genie/core/ports';
import type { OpenGenie } from '../../compose.ts';
import { dateTime, relative } from '../../print/amounts.ts';
import { createRunView, type RunView } from '../../print/run-view.ts';
import { plainLine } from '../../print/style.ts';
import type { CommandContext } from '../cli/command.ts';
import type { NamedHome } from '../homes/list-homes.ts';
import { summarizeRuns } from '../homes/run-summary.ts';
import { exploreWhenIdle, type IdleExploration } from '../mcp/explore-when-idle.ts';
import { mcpFolder } from '../mcp/mcp-folder.ts';
import { hasNews, tellReview } from '../metrics/tell-review.ts';
import { homeWords } from '../running/home-words.ts';

export interface WatchOptions {
  readonly context: Pick<CommandContext, 'terminal' | 'signal' | 'flags' | 'environment'>;
  readonly named: NamedHome;
  readonly open: OpenGenie;
  /** How the user names this genie in a command line. */
  readonly words: string;
}

interface WatchDeps extends WatchOptions {
  readonly view: RunView;
}

/** How long a wake under way may take to stop before the home is closed all the same. */
const stopsWithinMs = 5_000;

/**
 * Wakes one genie by its schedule until the signal aborts: goes on with what was interrupted, prints what happens, takes runs
 * up again when somebody decided what they waited for. Returns true when a run was cut short.
 */
export async function watchGenie(options: WatchOptions): Promise<boolean> {
  const { context, open, named } = options;
  const deps: WatchDeps = { ...options, view: createRunView(context.terminal, { words: homeWords(context, named) }) };
  const running = new Set<string>();
  const exploring = exploreServers(deps, () => running.size === 0);
  const stopShowing = open.genie.events.onAny((event) => {
    follow(deps, running, event);
    if (running.size > 0) exploring.interrupt();
  });
  const { terminal, signal } = context;
  const runs = await summarizeRuns(open.store, { isInUse: true });
  for (const run of runs) {
    // While this process owns the home, `running` means that its last owner was cut short.
    if (run.status === 'running' || run.status === 'ready') await open.resume(run.runId, { signal });
    else if (run.status === 'waiting') goOnWhenDecided(deps, run.runId, run.approvalIds);
  }
  await open.genie.start({ keepAlive: true });
  terminal.print(`${terminal.style.bold(named.name)} ${nextWords(open)}`);
  await untilAborted(signal);
  const stopped = Promise.all([open.genie.stop(), exploring.close()]);
  await Promise.race([stopped, sleep(stopsWithinMs, undefined, { ref: false })]);
  stopShowing();
  return running.size > 0;
}

/** MCP is loaded with the first exploration. */
function exploreServers({ context, open, named }: WatchDeps, isIdle: () => boolean): IdleExploration {
  const { environment, terminal } = context;
  return exploreWhenIdle({
    servers: () => open.settings.mcp,
    isIdle,
    async lastAt(name) {
      const { openExplorations } = await import('@genie/tools');
      return (await openExplorations({ dir: mcpFolder(named.home) }).read(name))?.at;
    },
    async explore(server, signal) {
      const { exploreHomeServer } = await import('../mcp/explore-home-server.ts');
      const home = { home: named.home, genieId: open.file.id, toolPolicy: open.settings.toolPolicy };
      await exploreHomeServer({ context: { environment, signal }, home, named: server });
      if (!signal.aborted) terminal.note(`  explored the MCP server ${server.name}`);
    },
    onFailure: (message) => terminal.note(plainLine(message, 300)),
  });
}

function follow(deps: WatchDeps, running: Set<string>, event: GenieEvent): void {
  const { context, open, named } = deps;
  const { terminal } = context;
  if (terminal.json) terminal.printJson({ genie: named.name, ...event });
  else if (event.type === 'model.switched') deps.view.show(event);
  else if ('runId' in event) deps.view.show(event as RunEvent);
  else if (event.type === 'schedule.missed')
    terminal.note(`${terminal.noteStyle.yellow('missed')} the wake of ${dateTime(event.dueAt)}: ${event.action}`);
  if (event.type === 'run.started' || event.type === 'run.resumed') running.add(event.runId);
  if (event.type !== 'run.ended') return;
  running.delete(event.runId);
  ended(deps, event);
  if (!context.signal.aborted) terminal.print(`${terminal.style.bold(named.name)} ${nextWords(open)}`);
}

function ended(deps: WatchDeps, event: EventOf<'run.ended'>): void {
  const { context, open, words } = deps;
  deps.view.end();
  const { terminal } = context;
  const why = event.error ? ` ${plainLine(event.error.message, 200)} [${event.error.code}]` : '';
  if (!terminal.json) terminal.note(`  ${event.status}${why}`);
  void open.review.report().then((review) => {
    if (!hasNews(review)) return;
    if (terminal.json) terminal.printJson({ genie: deps.named.name, type: 'review', ...review });
    else tellReview(terminal, review, words);
  });
  if (event.status !== 'waiting') return;
  if (!terminal.json) terminal.note(`  Decide in another terminal: genie approve ${words}`);
  void summarizeRuns(open.store, { isInUse: true }).then((runs) => {
    const run = runs.find(({ runId }) => runId === event.runId);
    if (run) goOnWhenDecided(deps, run.runId, run.approvalIds);
  });
}

/** A decision of another process is seen here too. */
function goOnWhenDecided({ open, context }: WatchDeps, runId: string, approvalIds: readonly string[]): void {
  const { signal } = context;
  const decided = async (): Promise<void> => {
    const rows = await Promise.all(approvalIds.map((id) => open.approvals.wait(id, { signal })));
    await grantsAreWritten(open.approvals, rows, signal);
    if (!signal.aborted) await open.resume(runId, { signal });
  };
  decided().catch(() => undefined);
}

/** The other process writes a decision first and its grant a moment later; a run that is faster would find neither question nor grant. */
async function grantsAreWritten(approvals: Approvals, rows: readonly Approval[], signal: AbortSignal): Promise<void> {
  const subjects = rows
    .filter(({ decision }) => decision?.verdict.endsWith('-always'))
    .map(({ action }) => action.subject);
  for (let attempt = 0; attempt < 40 && !signal.aborted; attempt += 1) {
    const granted = new Set((await approvals.grants.list()).map(({ subject }) => subject));
    if (subjects.every((subject) => granted.has(subject))) return;
    await sleep(50);
  }
}

function nextWords({ genie }: OpenGenie): string {
  const next = genie.nextWake();
  return next === undefined
    ? 'has no next wake'
    : `sleeps; next wake ${relative(next, Date.now())} (${dateTime(next)})`;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

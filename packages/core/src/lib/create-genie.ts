import * as fs from 'node:fs';
import type { Approvals } from './approvals/approvals.ts';
import { openApprovals } from './approvals/file-approvals.ts';
import { createMemoryApprovals } from './approvals/memory-approvals.ts';
import { checkTrigger } from './check-options.ts';
import { createEventBus, type EventBus } from './events/bus.ts';
import { connectTelemetry } from './events/telemetry.ts';
import type { Genie, GenieOptions, GenieUpdate, RunHandle, RunOptions } from './genie.ts';
import { GenieError } from './genie-error.ts';
import { type Home, keepOutputIn, openHome, saveBriefingIn } from './home/open-home.ts';
import { type FileJournal, openJournal } from './journal/file-journal.ts';
import type { Journal } from './journal/journal.ts';
import { type Lease, takeLease } from './journal/lease.ts';
import { createMemoryJournal } from './journal/memory-journal.ts';
import { type ResolvedOptions, resolveOptions } from './options.ts';
import { RunQueue } from './run-queue.ts';
import type { Trigger } from './run-record.ts';
import type { Scheduler } from './schedule/scheduler.ts';
import { type RunStarter, startRun } from './start-run.ts';

/**
 * Makes a genie. Nothing runs yet. With a home the journal, approvals and artifacts live there, and this process owns it
 * until `close`.
 *
 * Throws at once: `GENIE_OPTIONS`, `GENIE_MODEL_INVALID`, `GENIE_TOOL_INVALID`, `GENIE_TOOL_SCHEMA`, `GENIE_BUDGET_INVALID`,
 * `GENIE_HOME_IN_USE` (another process owns the home), `GENIE_HOME_FILE`, `GENIE_HOME_VERSION`, `GENIE_HOME_UNREADABLE`.
 */
export function createGenie(options: GenieOptions): Genie {
  const resolved = resolveOptions(options);
  const { clock, ids } = resolved;
  const home =
    options.home === undefined
      ? undefined
      : openHome(options.home, {
          id: options.id ?? ids.next('genie'),
          goal: resolved.goal,
          createdAt: clock.now(),
        });
  return new OpenGenie(resolved, home);
}

/** A folder has as many paths as there are links to it. */
function isSameFolder(left: string, right: string): boolean {
  return fs.existsSync(left) && fs.realpathSync(left) === fs.realpathSync(right);
}

class OpenGenie implements Genie {
  readonly id: string;
  readonly goal: string;
  readonly events: EventBus;
  readonly approvals: Approvals;
  readonly journal: Journal;
  #options: ResolvedOptions;
  readonly #ownsJournal: boolean;
  readonly #ownsApprovals: boolean;
  #starter: RunStarter;
  readonly #running = new Set<RunHandle>();
  readonly #home: Home | undefined;
  /** Says that this process owns the home, whatever journal it writes to. */
  readonly #homeLease: Lease | undefined;
  readonly #disconnectTelemetry: () => void;
  #waker: Scheduler | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: ResolvedOptions, home: Home | undefined) {
    const { raw, clock, ids } = options;
    this.#options = options;
    this.#home = home;
    this.id = raw.id ?? home?.file.id ?? ids.next('genie');
    this.goal = options.goal;
    this.#ownsJournal = !raw.journal;
    this.#ownsApprovals = !raw.approvals;
    this.journal = raw.journal ?? this.#openOwnJournal();
    this.approvals =
      raw.approvals ??
      (home
        ? openApprovals({ dir: home.approvals, clock, ids, ...(raw.onWarning ? { onWarning: raw.onWarning } : {}) })
        : createMemoryApprovals({ clock, ids }));
    this.events = createEventBus({
      validate: raw.validateEvents ?? false,
      ...(raw.onWarning ? { onWarning: raw.onWarning } : {}),
    });
    const { provider } = options.models.execution.model;
    this.#homeLease = home && this.#leaseOf(home);
    this.#tellTakeover();
    this.#disconnectTelemetry = connectTelemetry({
      bus: this.events,
      tracer: raw.telemetry,
      genieId: this.id,
      provider,
    });
    this.#starter = {
      genieId: this.id,
      options,
      journal: this.journal,
      approvals: this.approvals,
      events: this.events,
      queue: new RunQueue(options.concurrentRuns),
      ...(home ? { keepOutput: keepOutputIn(home.artifacts), saveBriefing: saveBriefingIn(home.artifacts) } : {}),
    };
  }

  run(trigger: Trigger = { kind: 'manual' }, options: RunOptions = {}): RunHandle {
    checkTrigger(trigger);
    return this.#start({ runId: options.runId ?? this.#options.ids.next('run'), trigger, signal: options.signal });
  }

  resume(runId: string, options: { readonly signal?: AbortSignal } = {}): RunHandle {
    return this.#start({ runId, trigger: undefined, signal: options.signal });
  }

  async recover(): Promise<readonly RunHandle[]> {
    // A loop of `runLoop` in the same journal is not this genie's to go on with.
    const unfinished = (await this.journal.list()).filter(({ status, meta }) => status === 'open' && meta.trigger);
    return unfinished.map((run) => this.resume(run.runId));
  }

  chat(text: string, options: { readonly signal?: AbortSignal } = {}): RunHandle {
    return this.run({ kind: 'message', text }, options);
  }

  async update(changes: GenieUpdate): Promise<void> {
    this.#assertOpen();
    const { clock, ids } = this.#options;
    const options = resolveOptions({ ...this.#options.raw, ...changes, clock, ids });
    const { schedule } = changes;
    if (schedule) await this.#waker?.reschedule(schedule);
    this.#options = options;
    this.#starter = { ...this.#starter, options };
  }

  async propose(options: { readonly signal?: AbortSignal } = {}) {
    const { propose } = await import('./creation/propose.ts');
    return propose({ genieId: this.id, options: this.#options, approvals: this.approvals, ...options });
  }

  async start(options: { readonly keepAlive?: boolean } = {}): Promise<void> {
    this.#assertOpen();
    const { schedule, onWarning } = this.#options.raw;
    if (!schedule || !this.#home) {
      const missing = schedule ? 'home' : 'schedule: { cron, timezone }';
      throw new GenieError(
        'GENIE_SCHEDULE_MISSING',
        `This genie cannot wake by itself: pass ${missing} to createGenie.`,
      );
    }
    // Loaded here: most processes that embed a genie wake it themselves.
    const { createWaker } = await import('./waker.ts');
    const { clock } = this.#options;
    const { keepAlive = false } = options;
    this.#waker ??= createWaker({ genie: this, schedule, clock, folder: this.#home.schedule, onWarning, keepAlive });
    await this.#waker.start();
  }

  async stop(): Promise<void> {
    await this.#waker?.stop();
  }

  async recommendSchedule() {
    const { schedule } = this.#options.raw;
    if (!schedule)
      throw new GenieError(
        'GENIE_SCHEDULE_MISSING',
        'There is no schedule to improve: pass schedule: { cron, timezone } to createGenie.',
      );
    const { adviseSchedule } = await import('./advise-schedule.ts');
    const { approvals, events, id: genieId, journal } = this;
    return adviseSchedule({ approvals, events: events.emit, clock: this.#options.clock, genieId, journal }, schedule);
  }

  nextWake(): number | undefined {
    return this.#waker?.next();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    // The wake under way may wait for its turn behind a run that only ends when it is cancelled.
    const stopped = this.#waker?.stop();
    for (const handle of this.#running) handle.cancel();
    await Promise.all([...this.#running].map((handle) => handle.outcome));
    await stopped;
    this.#disconnectTelemetry();
    if (this.#ownsApprovals) await this.approvals.close();
    if (this.#ownsJournal) await this.journal.close();
    this.#homeLease?.release();
  }

  #start(request: {
    readonly runId: string;
    readonly trigger: Trigger | undefined;
    readonly signal: AbortSignal | undefined;
  }): RunHandle {
    this.#assertOpen();
    const handle = startRun(this.#starter, request);
    this.#running.add(handle);
    void handle.outcome.then(() => this.#running.delete(handle));
    return handle;
  }

  #openOwnJournal(): Journal {
    if (!this.#home) return createMemoryJournal();
    return openJournal({ dir: this.#home.journal, now: () => this.#options.clock.now() });
  }

  /** A file journal in the home holds its lease; with any other journal the home is leased here. */
  #leaseOf(home: Home): Lease {
    const { lease, directory } = this.journal as Partial<FileJournal>;
    fs.mkdirSync(home.journal, { recursive: true, mode: 0o700 });
    if (lease && directory !== undefined && isSameFolder(directory, home.journal)) return lease;
    return takeLease(home.journal, this.#options.clock.now());
  }

  /** In a microtask, so that whoever subscribes right after `createGenie` hears it. */
  #tellTakeover(): void {
    const lease = this.#homeLease;
    const previous = lease?.takenOverFrom;
    if (!lease || !previous) return;
    queueMicrotask(() => {
      const { clock } = this.#options;
      const owner = { previousPid: previous.pid, generation: lease.generation };
      this.events.emit({ type: 'home.taken-over', at: clock.now(), source: 'core.home', ...owner });
    });
  }

  #assertOpen(): void {
    if (this.#closing !== undefined)
      throw new GenieError('GENIE_CLOSED', 'This genie is closed. Make a new one with createGenie.');
  }
}

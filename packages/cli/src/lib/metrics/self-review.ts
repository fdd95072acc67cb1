import type { Approvals, GenieEvent, Notification, NotifierPort } from '@genie/core/ports';
import type { AdoptedProposals, Change, Evaluation, Experiments, Guard, Metrics } from '@genie/metrics';

export interface SelfReviewOptions {
  readonly metrics: Metrics;
  readonly approvals: Pick<Approvals, 'list' | 'wait'>;
  readonly genieId: string;
  /** Opened where there has been an experiment. */
  readonly openExperiments: () => Experiments | undefined;
  /** What the guards told the user since the last call. */
  readonly undone: () => ReviewReport['undone'];
  /** Ctrl-C: a review under way stops, and is due again after the next run. */
  readonly signal?: AbortSignal | undefined;
  /** Told about what a review could not do. A genie lives on without it. */
  readonly onFailure: (error: unknown) => void;
}

/** What changed since it was last asked for. */
export interface ReviewReport {
  readonly adopted: readonly Change[];
  readonly refused: AdoptedProposals['refused'];
  /** What the guards took back, in words. */
  readonly undone: readonly Pick<Notification, 'title' | 'body'>[];
  readonly evaluation?: Evaluation;
}

/** The loop from measurements to other behaviour: reviews when they are due, and adopts what the user allowed. */
export interface SelfReview {
  /** Before the first run: finishes what a crash cut short, adopts what was allowed meanwhile. Never rejects. */
  prepare(): Promise<void>;
  /** Takes the genie's events: the end of a run may make a review due. */
  onEvent(event: GenieEvent): void;
  /** Waits for a review under way, then tells what happened since the last call. */
  report(): Promise<ReviewReport>;
  close(): Promise<void>;
}

export function openSelfReview(options: SelfReviewOptions): SelfReview {
  const { metrics, onFailure } = options;
  const closing = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, closing.signal]) : closing.signal;
  const news = createNews();
  const waits = new Set<string>();
  let work: Promise<void> = Promise.resolve();
  /** One thing at a time, and nothing after the end. */
  const enqueue = (task: () => Promise<void>): Promise<void> => {
    work = work.then(async () => {
      if (signal.aborted) return;
      await task().catch((error: unknown) => void (signal.aborted || onFailure(error)));
    });
    return work;
  };
  const adopt = async (): Promise<void> => {
    news.add(await adoptAllowed(options));
  };
  /** The decision may come from another process while this one lives. */
  const follow = (approvalIds: readonly string[]): void => {
    for (const id of approvalIds) {
      if (waits.has(id)) continue;
      waits.add(id);
      options.approvals
        .wait(id, { signal })
        .then(() => enqueue(adopt))
        .catch(() => undefined);
    }
  };
  const followPending = async (): Promise<void> => {
    const pending = await options.approvals.list({ status: 'pending', kind: 'adjustment' });
    follow(pending.filter(({ action }) => action.genieId === options.genieId).map(({ id }) => id));
  };
  return {
    prepare: () =>
      enqueue(async () => {
        await metrics.changes.recover();
        await adopt();
        await followPending();
      }),
    onEvent(event) {
      if (event.type !== 'run.ended' || event.status !== 'completed') return;
      void enqueue(async () => {
        const reason = await metrics.evaluationDue();
        if (reason === undefined) return;
        const evaluation = await metrics.evaluate({ reason, signal });
        news.add({ evaluation });
        // A standing permission answers at once.
        await adopt();
        await followPending();
      });
    },
    async report() {
      await work;
      return { ...news.take(), undone: options.undone() };
    },
    async close() {
      closing.abort();
      await work;
    },
  };

  function createNews() {
    let adopted: Change[] = [];
    let refused: AdoptedProposals['refused'][number][] = [];
    let evaluation: Evaluation | undefined;
    return {
      add(one: Partial<AdoptedProposals> & { readonly evaluation?: Evaluation }): void {
        adopted.push(...(one.adopted ?? []));
        refused.push(...(one.refused ?? []));
        evaluation = one.evaluation ?? evaluation;
      },
      take(): Omit<ReviewReport, 'undone'> {
        const report = { adopted, refused, ...(evaluation === undefined ? {} : { evaluation }) };
        [adopted, refused, evaluation] = [[], [], undefined];
        return report;
      },
    };
  }
}

/** Adopts the allowed proposals, each with the experiment that tried it, and brings the experiments' rows up to date. */
export async function adoptAllowed(
  options: Pick<SelfReviewOptions, 'metrics' | 'openExperiments'>,
): Promise<AdoptedProposals> {
  const experiments = options.openExperiments();
  try {
    const tried = await triedProposals(experiments);
    const found = await options.metrics.changes.adoptAllowed({ experimentOf: async (id) => tried.get(id) });
    await experiments?.recover();
    return found;
  } finally {
    await experiments?.close();
  }
}

async function triedProposals(
  experiments: Experiments | undefined,
): Promise<ReadonlyMap<string, { readonly experimentId: string; readonly guards: readonly Guard[] }>> {
  const tried = new Map<string, { experimentId: string; guards: Guard[] }>();
  for (const { id, state, change, report } of (await experiments?.list()) ?? []) {
    if (state !== 'finished' || change.kind !== 'adjustment' || report === undefined) continue;
    const guards = report.comparisons
      .filter(({ verdict }) => verdict !== 'no-data')
      .map(({ kpiId }): Guard => ({ kpiId }));
    tried.set(change.proposal.id, { experimentId: id, guards });
  }
  return tried;
}

/** A notifier that also keeps what it was told, so that a command can print it after the run. */
export function listenTo(notifier: NotifierPort | undefined): {
  readonly notifier: Pick<NotifierPort, 'notify'>;
  take(): readonly Notification[];
} {
  let told: Notification[] = [];
  return {
    notifier: {
      async notify(notification, options) {
        told.push(notification);
        return (await notifier?.notify(notification, options)) ?? [];
      },
    },
    take() {
      const all = told;
      told = [];
      return all;
    },
  };
}

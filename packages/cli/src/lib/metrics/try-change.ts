import { GenieError } from '@genie/core/errors';
import { type Approval, parseJson } from '@genie/core/ports';
import {
  type Adjustment,
  adjustmentAction,
  adjustmentId,
  describeAdjustment,
  type ExperimentReport,
  type Experiments,
  parseAdjustment,
  processTrial,
} from '@genie/metrics';
import { bytes } from '../../print/amounts.ts';
import type { CommandContext } from '../cli/command.ts';
import { usageError } from '../cli/usage-error.ts';
import type { HomeMetrics } from './open-home-metrics.ts';

/** A typed change with the approval that would adopt it. */
export interface OpenProposal {
  readonly id: string;
  readonly adjustment: Adjustment;
  readonly title: string;
  readonly approval: Approval;
}

const defaultCases = 5;
const defaultMinutes = 30;

/** The change that is meant: `--change`, a named approval, or the only one that is open. */
export async function chooseProposal(options: {
  readonly context: CommandContext;
  readonly open: HomeMetrics;
  readonly named: string | undefined;
}): Promise<OpenProposal> {
  const { context, open, named } = options;
  const given = context.flags.text('change');
  if (given !== undefined) return askForChange(open, given);
  const rows = await open.approvals.list({ kind: 'adjustment' });
  const openRows = rows.filter(({ status }) => status === 'pending' || status === 'allowed');
  if (named !== undefined) {
    const row = openRows.find(({ id, action }) => id === named || action.payload.id === named);
    if (row !== undefined) return toProposal(row);
    throw usageError(`There is no open proposal "${named}".${listed(openRows)}`);
  }
  const [only] = openRows;
  if (only !== undefined && openRows.length === 1) return toProposal(only);
  throw usageError(
    only === undefined
      ? 'Nothing is proposed. Review the genie with "genie metrics evaluate", or give a change of your own with --change.'
      : `Several changes are proposed: name one.${listed(openRows)}`,
  );
}

function listed(rows: readonly Approval[]): string {
  return rows.length === 0 ? '' : ` Open: ${rows.map(({ id, title }) => `${id} (${title})`).join(', ')}.`;
}

/** The user's own change is asked for like any other: adopting it is another decision than trying it. */
async function askForChange({ approvals, file }: HomeMetrics, text: string): Promise<OpenProposal> {
  const adjustment = parseAdjustment(readJson(text));
  const proposal = { id: adjustmentId(adjustment), adjustment };
  const title = describeAdjustment(adjustment);
  const approval = await approvals.request({
    action: adjustmentAction(proposal, file.id),
    title,
    claim: 'Your own idea.',
  });
  return { ...proposal, title, approval };
}

function readJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw usageError(`--change is no JSON: ${text.slice(0, 100)}`);
  }
}

function toProposal(approval: Approval): OpenProposal {
  const { payload } = approval.action;
  return { id: String(payload.id), adjustment: parseAdjustment(payload.adjustment), title: approval.title, approval };
}

/** Replays the latest runs with and without the change. */
export async function tryChange(options: {
  readonly context: CommandContext;
  readonly home: string;
  readonly open: HomeMetrics;
  readonly experiments: Experiments;
  readonly proposal: OpenProposal;
}): Promise<ExperimentReport> {
  const { context, home, open, experiments, proposal } = options;
  const { flags, terminal, environment, signal } = context;
  const cases = await findCases(open, flags.positive('cases') ?? defaultCases);
  const [usd, tokens] = [flags.positive('usd'), flags.positive('tokens')];
  const { id, adjustment, title } = proposal;
  let shown = '';
  return experiments.run({
    title,
    folder: home,
    change: { kind: 'adjustment', proposal: { id, adjustment } },
    trial: processTrial({
      module: import.meta.resolve('@genie/cli/replay-trial'),
      execArgv: process.execArgv.filter((flag) => /^--(?:conditions|disable-warning)=/.test(flag)),
      environment: asTexts(environment),
    }),
    cases,
    kpis: await open.metrics.definitions(),
    budget: {
      timeMs: (flags.positive('minutes') ?? defaultMinutes) * 60_000,
      ...(usd === undefined ? {} : { usd }),
      ...(tokens === undefined ? {} : { tokens }),
    },
    requestedBy: proposal.approval.claim === 'Your own idea.' ? 'user' : 'adjustment',
    signal,
    onProgress({ state, done, total, bytes: copied }) {
      const line =
        state === 'copying'
          ? `copying the home${copied === undefined ? '' : `: ${bytes(copied)}`}`
          : `replayed ${done} of ${total} runs, each with and without the change`;
      if (line === shown || terminal.json) return;
      shown = line;
      terminal.note(terminal.noteStyle.dim(line));
    },
  });
}

/** Measured runs whose journal is still there, newest last. A run whose journal is gone cannot be replayed. */
async function findCases({ metrics, store }: HomeMetrics, most: number): Promise<readonly string[]> {
  if (store.kind !== 'home')
    throw usageError(
      'An experiment replays runs from copies of a home; this genie keeps its runs in a database, which is not copied.',
    );
  const whole: { readonly runId: string }[] = [];
  for (const outcome of await metrics.outcomes({ limit: Math.max(100, most) })) {
    const records = await store.records(outcome.runId);
    if (records.some((record) => record.kind === 'phase' && record.phase === 'remember')) whole.push(outcome);
  }
  if (whole.length === 0) {
    throw new GenieError(
      'GENIE_EXPERIMENT_REQUEST',
      'There is no recorded run to replay: let the genie run first, or keep its journal longer.',
    );
  }
  return whole.slice(-most).map(({ runId }) => runId);
}

function asTexts(environment: CommandContext['environment']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

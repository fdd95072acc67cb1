import { createGenie, createMemoryApprovals, type GenieUpdate, openApprovals } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import { type GenieFile, homeFolders, readGenieFile } from '@genie/core/home';
import { createMemoryJournal, type JournalRecord, readRun } from '@genie/core/journal';
import { createIds, type LanguageModel, type RunRecord, systemClock, type Tool, type Toolbox } from '@genie/core/ports';
import type { Environment } from '@genie/inference';
import {
  createReplay,
  type Recording,
  type Replay,
  recordedAnswers,
  recordingFromJournal,
  recordModel,
  type TrialRequest,
  type TrialResult,
} from '@genie/metrics';
import { readSettings } from '../compose/genie-settings.ts';
import { openDoor } from '../compose/open-door.ts';
import type { OpenEgress } from '../compose/open-egress.ts';
import { chosenModels, type OpenModels, openModels } from '../compose/open-models.ts';
import { meterModel } from './meter-model.ts';
import { createCapture, createRecordedMemory } from './replay-ports.ts';
import { type ReplayStart, readStart } from './replay-start.ts';
import { createRunParts } from './run-parts.ts';

/** Live calls of `read` tools in one replay. */
const liveToolCalls = 20;
const liveModelCalls = 50;

/**
 * One recorded run again, with the settings of a copied home. What the run knew when it began comes from its journal; models and tools
 * answer from the recording where they are asked the same, live where they are not, within the budget.
 */
export async function replayRun(request: Omit<TrialRequest, 'signal'>, environment: Environment): Promise<TrialResult> {
  const folders = homeFolders(request.folder);
  const records = readRun(folders.journal, request.caseId);
  const state = readStart(records, request.caseId);
  const file = readGenieFile(request.folder);
  const settings = readSettings(request.folder, file);
  const references = chosenModels(undefined, file);
  // The copy's: permissions count, and what would have to be asked is refused.
  const approvals = openApprovals({ dir: folders.approvals });
  const door = openDoor({
    home: request.folder,
    file,
    settings,
    environment,
    models: references,
    approvals,
    events: () => undefined,
  });
  let models: OpenModels | undefined;
  try {
    models = await openModels({
      references,
      settings,
      environment,
      fetch: (input, init) =>
        door.quiet.fetch(input as string | URL | Request, init, { genieId: file.id, tool: 'model' }),
    });
    const memory = createRecordedMemory(state);
    const shared = { folders, memory, approvals, door: door.quiet, servers: undefined, wakesAlways: true, models };
    const run = { request, file, state, memory, door: door.quiet, models };
    const partsOf = (of: GenieFile): GenieUpdate =>
      createRunParts({ ...shared, file: of, settings: readSettings(request.folder, of) }).options;
    const recording = await rebuildRecording({ ...run, records, options: partsOf(originalOf(request.folder, file)) });
    const replay = createReplay(recording, { toolCalls: liveToolCalls, modelCalls: liveModelCalls });
    const meter = meterModel(models.execution, { price: models.prices.execution, ...request.budget });
    const record = await replayOnce({ ...run, options: partsOf(file), replay, model: replay.model(meter.model) });
    const { tokens, usd } = meter.spent();
    return { run: record, costUsd: usd, tokens, ...replay.counts() };
  } finally {
    await models?.close();
    await door.close();
    await approvals.close();
  }
}

interface ReplayDeps {
  readonly request: Omit<TrialRequest, 'signal'>;
  readonly file: GenieFile;
  readonly state: ReplayStart;
  readonly memory: ReturnType<typeof createRecordedMemory>;
  readonly door: OpenEgress['quiet'];
  readonly models: OpenModels;
  readonly options: GenieUpdate;
}

/** The settings without the change under trial: those of the other copy, which is the baseline. */
function originalOf(folder: string, file: GenieFile): GenieFile {
  const baseline = folder.replace(/-changed$/, '-baseline');
  try {
    return readGenieFile(baseline);
  } catch {
    return file;
  }
}

/**
 * Tool results are in the journal. Model answers are too, but not the questions: the same run with the original settings asks them again,
 * and gets the recorded answers.
 */
async function rebuildRecording(deps: ReplayDeps & { readonly records: readonly JournalRecord[] }): Promise<Recording> {
  const recording = await recordingFromJournal(deps.records, deps.options.tools as Toolbox);
  const model = recordModel(recordedAnswers(deps.records, deps.models.execution), recording);
  // It may stop early, e.g. when the settings changed since; then the rest is asked live.
  await replayOnce({ ...deps, replay: createReplay(recording), model }).catch(() => undefined);
  return recording;
}

async function replayOnce(
  deps: ReplayDeps & { readonly replay: Replay; readonly model: LanguageModel },
): Promise<RunRecord> {
  const { state, options, replay, models, memory, door, file, request } = deps;
  const capture = createCapture();
  const startedAt = systemClock.elapsed();
  const genie = createGenie({
    ...options,
    goal: state.goal,
    id: file.id,
    clock: { ...systemClock, now: () => state.startedAt + Math.round(systemClock.elapsed() - startedAt) },
    journal: createMemoryJournal(),
    approvals: createMemoryApprovals({ clock: systemClock, ids: createIds(systemClock) }),
    memory,
    metrics: capture.metrics,
    egress: door,
    tools: replay.toolbox(withoutQuestions(options.tools as Toolbox)),
    models: { planning: models.planning, execution: deps.model },
    // The recorded plan is in memory; a replay makes none of its own.
    planning: state.plan.length > 0 ? 'once' : 'none',
  });
  try {
    const outcome = await genie.run(state.trigger, { runId: request.caseId }).outcome;
    const run = capture.run();
    if (run !== undefined && outcome.status === 'completed') return run;
    throw new GenieError('GENIE_EXPERIMENT_TRIAL', `The replay ended as ${outcome.status}: ${outcome.reason}`);
  } finally {
    await genie.close();
  }
}

/** The user was asked in the run itself; a replay calls nothing live but tools that only read. */
function withoutQuestions(toolbox: Toolbox): Toolbox {
  const quiet = (tool: Tool): Tool => ({ ...tool, approval: 'never' });
  return {
    list: () => toolbox.list().map(quiet),
    get: (name) => {
      const tool = toolbox.get(name);
      return tool === undefined ? undefined : quiet(tool);
    },
  };
}

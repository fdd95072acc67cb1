import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { GenieError } from '@genie/core/errors';
import type { ApprovalAction, Approvals } from '@genie/core/ports';
import type { PluginInspection } from '@genie/tools';
import type { CommandContext } from '../cli/command.ts';
import { type ExitCode, exitCodes } from '../cli/exit-codes.ts';
import { usageError } from '../cli/usage-error.ts';
import { installedAt } from '../compose/open-hands.ts';
import { withStore } from '../compose/open-store.ts';
import { storeChoice } from '../compose/store-reference.ts';
import type { PluginSettings } from '../compose/toolbox-settings.ts';
import { homeWords } from '../running/home-words.ts';
import { printInspection, printReport } from './describe-plugin.ts';
import { findPluginHome, type PluginHome, writePlugins } from './plugin-home.ts';
import { readConfig } from './read-config.ts';
import { type StagedPlugin, stagePlugin } from './stage-plugin.ts';

/** `genie plugin add`: shows what it wants, asks, runs the kit, installs. Nothing of it runs before the approval. */
export async function add(context: CommandContext): Promise<ExitCode> {
  const { terminal, workingFolder, environment } = context;
  const home = findPluginHome(context);
  const [spec] = home.rest;
  if (spec === undefined) throw usageError('Say what to install: genie plugin add [GENIE] FOLDER_OR_PACKAGE');
  const { checkPlugin, hashPlugin, inspectPlugin } = await import('@genie/tools');
  using staged = await stagePlugin(home.home, { spec, workingFolder, environment });
  const folder = join(staged.folder, staged.inner);
  const inspection = await inspectPlugin(folder);
  const { manifest } = inspection;
  if (home.plugins.some(({ id }) => id === manifest.id))
    throw usageError(
      `The plugin ${manifest.id} is installed already. Remove it first: genie plugin remove ${manifest.id}`,
    );
  const integrity = hashPlugin(staged.folder);
  printInspection(terminal, inspection);
  const code = await decide(context, home, actionOf(home, inspection, integrity));
  if (code !== exitCodes.ok) return code;
  const config = readConfig(context);
  const { report } = await checkPlugin(folder, config);
  printReport(terminal, report);
  if (report.failed > 0 || hashPlugin(staged.folder) !== integrity) {
    terminal.printJson({ installed: false, id: manifest.id, report });
    terminal.note(`${manifest.id} does not pass its kit, so it is not installed.`);
    return exitCodes.failed;
  }
  install(home, staged, { inspection, integrity, config });
  terminal.printJson({
    installed: true,
    id: manifest.id,
    version: manifest.version,
    permissions: manifest.permissions,
    integrity,
    report,
  });
  terminal.print(`Installed ${terminal.style.bold(manifest.id)}. Its tools are used from the next run on.`);
  return exitCodes.ok;
}

/** Bound to every file: "always" for this one covers no other version. */
function actionOf(home: PluginHome, { manifest, findings }: PluginInspection, integrity: string): ApprovalAction {
  return {
    kind: 'plugin',
    genieId: home.genieId,
    subject: `plugin:${manifest.id}:${integrity.slice(0, 16)}`,
    payload: {
      id: manifest.id,
      version: manifest.version,
      permissions: manifest.permissions,
      tools: manifest.tools.map(({ name }) => name),
      noticed: [...new Set(findings.map(({ rule }) => rule))].sort(),
      integrity,
    },
  };
}

function decide(context: CommandContext, home: PluginHome, action: ApprovalAction): Promise<ExitCode> {
  const { terminal, flags } = context;
  return withStore(home.home, storeChoice(context), async ({ approvals }) => {
    const wants = (action.payload.permissions as readonly string[]).join(', ') || 'no permissions';
    const row = await approvals.request({
      action,
      title: `Install the plugin ${String(action.payload.id)} with ${wants}`,
    });
    if (row.status === 'pending') await ask(context, approvals, row.id);
    const decided = (await approvals.get(row.id)) ?? row;
    if (decided.status === 'allowed' && (await approvals.consume(decided.id, action))) return exitCodes.ok;
    if (decided.status !== 'pending')
      throw new GenieError(
        'GENIE_PLUGIN_NOT_APPROVED',
        `The plugin was not approved (${decided.status}): it is not installed.`,
      );
    terminal.printJson({ installed: false, waitsFor: decided.id });
    terminal.note(
      `It waits for you: genie approve ${homeWords(context, home)} ${decided.id} --allow-once, then give this command again${flags.on('yes') ? '' : ' (or use --yes)'}.`,
    );
    return exitCodes.waiting;
  });
}

async function ask({ terminal, flags }: CommandContext, approvals: Approvals, id: string): Promise<void> {
  if (flags.on('yes')) await approvals.decide(id, { verdict: 'allow-once', by: 'cli' });
  else if (terminal.isInteractive) {
    const { askDecisions } = await import('../running/ask-decisions.ts');
    await askDecisions(terminal, approvals, [id]);
  }
}

interface Installed {
  readonly inspection: PluginInspection;
  readonly integrity: string;
  readonly config: ReturnType<typeof readConfig>;
}

/** The files are in place before `genie.json` names them. */
function install(home: PluginHome, staged: StagedPlugin, { inspection, integrity, config }: Installed): void {
  const { id, version, permissions } = inspection.manifest;
  const target = installedAt(home.home, { id });
  rmSync(target, { recursive: true, force: true });
  renameSync(staged.folder, target);
  const entry = {
    id,
    version,
    folder: join('plugins', id, staged.inner),
    permissions,
    integrity,
    ...config,
  } as PluginSettings;
  writePlugins(home.home, (plugins) => [...plugins.filter((plugin) => plugin.id !== id), entry]);
}

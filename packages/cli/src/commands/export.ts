import { resolve } from 'node:path';
import type { Command, CommandContext } from '../lib/cli/command.ts';
import { type ExitCode, exitCodes } from '../lib/cli/exit-codes.ts';
import { findHome } from '../lib/homes/find-home.ts';
import type { NamedHome } from '../lib/homes/list-homes.ts';
import { homeWords } from '../lib/running/home-words.ts';

export const command: Command = {
  name: 'export',
  summary: 'copy a home with a manifest and checksums',
  usage: 'export [NAME] [--to PATH] [--tar] | export --check FOLDER',
  description:
    'Everything the genie is: goal, journal, approvals, memory, metrics, briefings. No keys: they are never stored, and an export that would ' +
    'hold the value of a key of this environment is refused. To restore, copy its folder "home" to where homes live.',
  flags: {
    to: { type: 'text', value: 'PATH', help: 'the folder (or file) to make; default NAME-YYYY-MM-DD here' },
    tar: { type: 'boolean', help: 'one tar file instead of a folder' },
    check: { type: 'text', value: 'FOLDER', help: 'check an export against its manifest' },
  },
  examples: [
    ['genie export news --to /backup/news', 'a folder'],
    ['genie export news --tar', 'news-2026-03-01.tar'],
    ['genie export --check /backup/news', 'is it whole?'],
  ],
  stopsByItself: true,
  maxPositionals: 1,
  async run(context) {
    const folder = context.flags.text('check');
    return folder === undefined ? make(context) : check(context, resolve(context.workingFolder, folder));
  },
};

async function make(context: CommandContext): Promise<ExitCode> {
  const { flags, terminal, environment, workingFolder, signal } = context;
  const found = findHome(context);
  const [{ archiveHome }, { secretsOf }, { bytes, count }] = await Promise.all([
    import('../lib/archive/archive-home.ts'),
    import('../lib/archive/find-secret.ts'),
    import('../print/amounts.ts'),
  ]);
  await noteStore(context, found);
  const isTar = flags.on('tar');
  const named = flags.text('to') ?? `${found.name}-${new Date().toISOString().slice(0, 10)}${isTar ? '.tar' : ''}`;
  const target = resolve(workingFolder, named);
  const folder = isTar ? `${target}.folder` : target;
  const manifest = await archiveHome({ home: found.home, target: folder, secrets: secretsOf(environment), signal });
  if (isTar) await packTar(folder, target, { name: found.name, paths: manifest.files.map(({ path }) => path) });
  const size = manifest.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  terminal.printJson({ target, files: manifest.files.length, sizeBytes: size, genieId: manifest.genieId });
  terminal.print(`Exported ${count(manifest.files.length, 'file')}, ${bytes(size)}, to ${target}`);
  return exitCodes.ok;
}

/** What is not in the home is not in its export: that has to be known before somebody relies on it. */
async function noteStore(context: CommandContext, found: NamedHome): Promise<void> {
  const [{ readGenieFile }, { readSettings }, { storeChoice, storeUrl }] = await Promise.all([
    import('@genie/core/home'),
    import('../lib/compose/genie-settings.ts'),
    import('../lib/compose/store-reference.ts'),
  ]);
  const { store } = readSettings(found.home, readGenieFile(found.home));
  if (storeUrl(storeChoice(context), store) === undefined) return;
  context.terminal.note(
    `${found.name} keeps runs, approvals, memory and metrics in a database: they are not in this export. Back the database up; memories alone: genie memory ${homeWords(context, found)} export`,
  );
}

async function packTar(
  folder: string,
  target: string,
  { name, paths }: { readonly name: string; readonly paths: readonly string[] },
): Promise<void> {
  const [{ writeTar }, { rm }] = await Promise.all([import('../lib/archive/write-tar.ts'), import('node:fs/promises')]);
  try {
    await writeTar(target, { folder, prefix: name, paths: ['manifest.json', ...paths.map((path) => `home/${path}`)] });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function check({ terminal }: CommandContext, folder: string): Promise<ExitCode> {
  const { checkArchive } = await import('../lib/archive/archive-home.ts');
  const { manifest, problems } = await checkArchive(folder);
  terminal.printJson({ ok: problems.length === 0, files: manifest.files.length, problems });
  if (problems.length === 0)
    terminal.print(
      `${terminal.style.green('✓')} ${folder} is whole: ${manifest.files.length} files of ${manifest.exportedAt}`,
    );
  for (const problem of problems) terminal.print(`${terminal.style.red('✗')} ${problem}`);
  return problems.length === 0 ? exitCodes.ok : exitCodes.failed;
}

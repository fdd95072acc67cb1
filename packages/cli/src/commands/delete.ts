import { join } from 'node:path';
import type { Command, CommandContext } from '../lib/cli/command.ts';
import { exitCodes } from '../lib/cli/exit-codes.ts';
import { usageError } from '../lib/cli/usage-error.ts';
import { type FoundHome, findHome } from '../lib/homes/find-home.ts';
import { homesFolder } from '../lib/homes/homes-folder.ts';
import { experimentsFolder } from '../lib/metrics/experiments-folder.ts';

export const command: Command = {
  name: 'delete',
  summary: 'delete a genie',
  usage: 'delete NAME [--archive] [--yes]',
  description:
    'Removes its home with everything it remembers, in its database too. It asks first; without a terminal it needs --yes. A genie in use is not deleted.',
  flags: {
    archive: { type: 'boolean', help: 'keep an export in $GENIE_HOME/.archive first (files of the home only)' },
    yes: { type: 'boolean', short: 'y', help: 'do not ask' },
  },
  examples: [
    ['genie delete news', 'asks, then deletes'],
    ['genie delete news --archive --yes', 'keeps an export, asks nothing'],
  ],
  stopsByItself: true,
  maxPositionals: 1,
  async run(context) {
    const { flags, positionals, terminal, environment } = context;
    if (positionals.length === 0 && flags.text('home') === undefined)
      throw usageError('genie delete needs a name (or --home DIR): it deletes nothing by default.');
    const found = findHome(context);
    await assertUnused(found);
    if (!(await isMeant(context, found))) {
      terminal.print('Nothing was deleted.');
      return exitCodes.ok;
    }
    const [{ rm }, { removeKept }, { storeChoice }, { archiveHome }, { secretsOf }] = await Promise.all([
      import('node:fs/promises'),
      import('../lib/homes/remove-kept.ts'),
      import('../lib/compose/store-reference.ts'),
      import('../lib/archive/archive-home.ts'),
      import('../lib/archive/find-secret.ts'),
    ]);
    const archive = join(
      homesFolder(environment),
      '.archive',
      `${found.name}-${new Date().toISOString().replaceAll(':', '-')}`,
    );
    if (flags.on('archive'))
      await archiveHome({ home: found.home, target: archive, secrets: secretsOf(environment), signal: context.signal });
    await removeKept(found.home, storeChoice(context));
    await rm(found.home, { recursive: true });
    // Copies of the home that experiments were made in.
    await rm(experimentsFolder(found.home), { recursive: true, force: true });
    terminal.printJson({ deleted: found.home, ...(flags.on('archive') ? { archive } : {}) });
    terminal.print(`Deleted ${found.home}${flags.on('archive') ? `; its export is in ${archive}` : ''}`);
    return exitCodes.ok;
  },
};

async function assertUnused({ home }: FoundHome): Promise<void> {
  const [{ homeFolders }, { readLeaseHolder }, { GenieError }] = await Promise.all([
    import('@genie/core/home'),
    import('@genie/core/journal'),
    import('@genie/core/errors'),
  ]);
  const holder = readLeaseHolder(homeFolders(home).journal);
  if (holder)
    throw new GenieError(
      'GENIE_HOME_IN_USE',
      `${home} is in use by process ${holder.pid} on ${holder.host}. Stop it first.`,
    );
}

async function isMeant({ flags, terminal }: CommandContext, found: FoundHome): Promise<boolean> {
  if (flags.on('yes')) return true;
  if (!terminal.isInteractive) throw usageError(`Deleting ${found.home} needs --yes when nobody can be asked.`);
  const { createPrompter } = await import('../lib/running/prompt-user.ts');
  return (await createPrompter(terminal)).confirm(
    `Delete ${found.name} with everything it remembers (${found.home})?`,
    false,
  );
}

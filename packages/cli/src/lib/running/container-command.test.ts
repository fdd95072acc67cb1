import type { JournalRun } from '@genie/core/journal';
import { describe, expect, it } from 'vitest';
import { command } from '../../commands/run.ts';
import { parseArguments } from '../cli/parse-arguments.ts';
import { createContainerCommand } from './container-command.ts';

const place = ['--home', '/genies/news', '--store', 'home'];

async function commands(args: readonly string[], runs: Partial<JournalRun>[]) {
  const commandOf = await createContainerCommand({
    home: '/genies/news',
    flags: parseArguments(command, args).flags,
    store: { runs: async () => runs as JournalRun[] },
    storeInside: 'home',
  });
  return commandOf;
}

describe('the command line in a container', () => {
  it('has the flags of the run that was asked for', async () => {
    const commandOf = await commands(
      [
        '--force',
        '--note=-- why',
        '--json',
        '--model',
        'offline',
        '--exit-code',
        '--sandbox',
        'docker',
        '--image',
        'x',
      ],
      [],
    );
    expect(await commandOf(0)).toEqual([
      'run',
      ...place,
      '--json',
      '--model=offline',
      '--force',
      '--exit-code',
      '--note=-- why',
    ]);
  });

  it('goes on with the run that was begun, shows it when it was over, and begins one when none was', async () => {
    const runs: Partial<JournalRun>[] = [{ runId: 'run_old', status: 'open' }];
    const commandOf = await commands(['--force', '--planning-model', 'offline'], runs);
    expect(await commandOf(1)).toEqual(['run', ...place, '--planning-model=offline', '--force']);
    runs.push({ runId: 'run_new', status: 'open' });
    expect(await commandOf(2)).toEqual(['resume', 'run_new', ...place, '--planning-model=offline']);
    runs[1] = { runId: 'run_new', status: 'closed' };
    expect(await commandOf(3)).toEqual(['show', 'run_new', ...place]);
  });
});

import type { Command } from '../lib/cli/command.ts';
import { exitCodes } from '../lib/cli/exit-codes.ts';

export const command: Command = {
  name: 'doctor',
  summary: 'check this machine and the homes',
  usage: 'doctor [NAME…]',
  description:
    'Node, folders, disk, clock, git, sandbox, egress, usable models and why, and each home: who owns it, what waits, whether it is sound.',
  flags: {},
  examples: [
    ['genie doctor', 'everything'],
    ['genie doctor --json | jq \'.checks[] | select(.status == ("warn", "fail"))\'', 'only what is wrong'],
  ],
  async run(context) {
    const { terminal, environment } = context;
    const [{ checkMachine }, { checkHome }, { findHomes }, { homesFolder }, { storeChoice }, { checkLines }] =
      await Promise.all([
        import('../lib/diagnosis/check-machine.ts'),
        import('../lib/diagnosis/check-home.ts'),
        import('../lib/homes/find-home.ts'),
        import('../lib/homes/homes-folder.ts'),
        import('../lib/compose/store-reference.ts'),
        import('../print/checks.ts'),
      ]);
    const machine = await checkMachine(homesFolder(environment), environment);
    const checks = [...machine];
    // One after the other: each may open connections of its own.
    for (const home of findHomes(context)) checks.push(...(await checkHome(home, storeChoice(context))));
    const isFailed = checks.some(({ status }) => status === 'fail');
    terminal.printJson({ ok: !isFailed, checks });
    for (const line of checkLines(checks, terminal.style)) terminal.print(line);
    return isFailed ? exitCodes.failed : exitCodes.ok;
  },
};

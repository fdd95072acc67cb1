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
    ['genie doctor --json | jq \'.checks[] | select(.status != "ok")\'', 'only what is wrong'],
  ],
  async run(context) {
    const { terminal, environment } = context;
    const [{ checkMachine }, { checkHome }, { findHomes }, { homesFolder }, { table }, { plainLine }] =
      await Promise.all([
        import('../lib/diagnosis/check-machine.ts'),
        import('../lib/diagnosis/check-home.ts'),
        import('../lib/homes/find-home.ts'),
        import('../lib/homes/homes-folder.ts'),
        import('../print/table.ts'),
        import('../print/style.ts'),
      ]);
    const machine = await checkMachine(homesFolder(environment), environment);
    const homes = await Promise.all(findHomes(context).map((home) => checkHome(home, context.environment)));
    const checks = [...machine, ...homes.flat()];
    const isFailed = checks.some(({ status }) => status === 'fail');
    terminal.printJson({ ok: !isFailed, checks });
    const { style } = terminal;
    const marks = { ok: style.green('✓'), warn: style.yellow('!'), fail: style.red('✗') };
    const rows = checks.map(({ name, status, detail, fix }) => [
      marks[status],
      style.bold(name),
      plainLine(fix ? `${detail} → ${fix}` : detail),
    ]);
    for (const line of table(rows)) terminal.print(line);
    return isFailed ? exitCodes.failed : exitCodes.ok;
  },
};

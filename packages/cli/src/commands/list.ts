import type { Command } from '../lib/cli/command.ts';
import { exitCodes } from '../lib/cli/exit-codes.ts';
import type { StoreChoice } from '../lib/compose/store-reference.ts';
import type { NamedHome } from '../lib/homes/list-homes.ts';
import type { Terminal } from '../lib/terminal/terminal.ts';

export const command: Command = {
  name: 'list',
  summary: 'list genies',
  usage: 'list',
  flags: { names: { type: 'boolean', help: 'only the names, one a line' } },
  examples: [
    ['genie list', 'every genie, its last run and what it waits for'],
    ["genie list --json | jq -r '.genies[].name'", 'their names'],
  ],
  maxPositionals: 0,
  async run(context) {
    const { terminal, environment } = context;
    const [{ homesFolder }, { listHomes }, { findHomes }] = await Promise.all([
      import('../lib/homes/homes-folder.ts'),
      import('../lib/homes/list-homes.ts'),
      import('../lib/homes/find-home.ts'),
    ]);
    const folder = homesFolder(environment);
    const homes = context.flags.text('home') === undefined ? listHomes(folder) : findHomes(context);
    if (context.flags.on('names')) {
      terminal.printJson({ folder, names: homes.map(({ name }) => name) });
      for (const { name } of homes) terminal.print(name);
      return exitCodes.ok;
    }
    const { storeChoice } = await import('../lib/compose/store-reference.ts');
    const rows: Row[] = [];
    // One after the other: each may open connections of its own.
    for (const home of homes) rows.push(await readRow(home, storeChoice(context)));
    terminal.printJson({ folder, genies: rows });
    if (rows.length === 0)
      terminal.print(`No genies in ${folder}. Make one with: genie new --goal "…" --source PATH_OR_URL`);
    else await printRows(terminal, rows);
    return exitCodes.ok;
  },
};

interface Row extends NamedHome {
  readonly id?: string;
  readonly goal?: string;
  readonly status: string;
  readonly lastRun?: { readonly runId: string; readonly status: string; readonly at: number };
  readonly pendingApprovals?: number;
  readonly nextWake?: number;
  readonly error?: { readonly code: string; readonly message: string };
}

/** A home that cannot be read is a row too: it must not hide the others. */
async function readRow(named: NamedHome, choice: StoreChoice): Promise<Row> {
  const [{ inspectHome }, { parseSchedule }, { toErrorRecord }] = await Promise.all([
    import('../lib/homes/inspect-home.ts'),
    import('@genie/core/schedule'),
    import('@genie/core/errors'),
  ]);
  try {
    const { file, holder, runs, approvals } = await inspectHome(named, choice);
    const last = runs.at(-1);
    const schedule = file.schedule ? parseSchedule(file.schedule as Parameters<typeof parseSchedule>[0]) : undefined;
    const nextWake = schedule?.next(Date.now());
    return {
      ...named,
      id: file.id,
      goal: file.goal,
      pendingApprovals: approvals.length,
      status: holder
        ? `in use by process ${holder.pid}`
        : runs.findLast(({ status }) => status === 'waiting')
          ? 'waiting'
          : 'asleep',
      ...(last ? { lastRun: { runId: last.runId, status: last.status, at: last.closedAt ?? last.openedAt } } : {}),
      ...(nextWake === undefined ? {} : { nextWake }),
    };
  } catch (error) {
    const { code, message } = toErrorRecord(error, 'GENIE_CLI_FAILED');
    return { ...named, status: 'unreadable', error: { code, message } };
  }
}

async function printRows(terminal: Terminal, rows: readonly Row[]): Promise<void> {
  const [{ table }, { relative }, { plainLine }] = await Promise.all([
    import('../print/table.ts'),
    import('../print/amounts.ts'),
    import('../print/style.ts'),
  ]);
  const { style } = terminal;
  const now = Date.now();
  const cells = rows.map((row) => [
    style.bold(row.name),
    row.status === 'unreadable'
      ? style.red(row.status)
      : row.status === 'waiting'
        ? style.yellow('waits for you')
        : row.status,
    row.lastRun ? `${row.lastRun.status} ${relative(row.lastRun.at, now)}` : style.dim('never ran'),
    row.nextWake === undefined ? style.dim('no schedule') : relative(row.nextWake, now),
    row.error
      ? plainLine(`${row.error.message} [${row.error.code}]`, 80)
      : plainLine(row.goal ?? '', Math.max(24, terminal.width - 70)),
  ]);
  const head = ['NAME', 'STATUS', 'LAST RUN', 'NEXT WAKE', 'GOAL'].map((title) => style.dim(title));
  for (const line of table([head, ...cells])) terminal.print(line);
}

import type { Command, CommandContext } from '../lib/cli/command.ts';
import { type ExitCode, exitCodes } from '../lib/cli/exit-codes.ts';
import { usageError } from '../lib/cli/usage-error.ts';

export const command: Command = {
  name: 'conformance',
  summary: 'run a conformance suite against a module',
  usage: 'conformance [SUITE MODULE] [options]',
  description:
    'The module exports an async function "create" (or --export NAME) that returns { setup, capabilities?, close? } with a fresh, empty ' +
    'implementation for each case. A case that needs a capability the implementation lacks is printed as unsupported, never as passed.',
  flags: {
    export: { type: 'text', value: 'NAME', help: 'the export that creates a setup (default create)' },
    'timeout-ms': { type: 'number', value: 'MS', help: 'the longest time for one case (default 30000)' },
  },
  examples: [
    ['genie conformance', 'list the suites'],
    ['genie conformance journal ./my-journal.ts', 'prove a journal'],
    [
      'genie conformance journal ./my-journal.ts --json | jq \'.results[] | select(.status == "failed")\'',
      'what failed',
    ],
  ],
  maxPositionals: 2,
  async run(context) {
    const { loadSuites } = await import('../lib/conformance/load-suites.ts');
    const suites = await loadSuites();
    const [name, module] = context.positionals;
    if (name === undefined) return listSuites(context, suites);
    const suite = suites.find((one) => one.name === name);
    if (!suite) {
      const { didYouMean } = await import('../lib/cli/suggest.ts');
      const names = suites.map((one) => one.name);
      throw usageError(`There is no suite "${name}".${didYouMean(name, names)} Known: ${names.join(', ')}.`);
    }
    if (module === undefined)
      throw usageError(`genie conformance ${name} needs the module to test: genie conformance ${name} ./my-module.ts`);
    const { loadSetup } = await import('../lib/conformance/load-setup.ts');
    const create = await loadSetup(module, {
      exportName: context.flags.text('export') ?? 'create',
      workingFolder: context.workingFolder,
    });
    return runSuite(context, suite.suite, create);
  },
};

type Suites = Awaited<ReturnType<typeof import('../lib/conformance/load-suites.ts')['loadSuites']>>;
type Create = Awaited<ReturnType<typeof import('../lib/conformance/load-setup.ts')['loadSetup']>>;

async function listSuites({ terminal }: CommandContext, suites: Suites): Promise<ExitCode> {
  const { table } = await import('../print/table.ts');
  terminal.printJson({
    suites: suites.map(({ name, from, suite }) => ({ name, from, port: suite.port, cases: suite.cases.length })),
  });
  for (const line of table(
    suites.map(({ name, from, suite }) => [
      terminal.style.cyan(name),
      `${suite.cases.length} cases`,
      suite.port,
      terminal.style.dim(from),
    ]),
  ))
    terminal.print(line);
  return exitCodes.ok;
}

async function runSuite(
  { terminal, flags }: CommandContext,
  suite: Suites[number]['suite'],
  create: Create,
): Promise<ExitCode> {
  const [{ runConformance }, { table }, { plainLine }, { duration }] = await Promise.all([
    import('@genie/core/conformance'),
    import('../print/table.ts'),
    import('../print/style.ts'),
    import('../print/amounts.ts'),
  ]);
  const timeoutMs = flags.positive('timeout-ms');
  const report = await runConformance(suite, create, timeoutMs === undefined ? {} : { timeoutMs });
  terminal.printJson(report);
  const { style } = terminal;
  const marks = { passed: style.green('✓'), failed: style.red('✗'), unsupported: style.yellow('–') };
  const rows = report.results.map(({ name, status, reason, tookMs }) => [
    marks[status],
    status,
    plainLine(name),
    style.dim(duration(tookMs)),
    plainLine(reason ?? '', 200),
  ]);
  for (const line of table(rows)) terminal.print(line);
  const times = (status: string): number => report.results.filter((result) => result.status === status).length;
  terminal.print(
    `${suite.port}: ${times('passed')} passed, ${report.failed} failed, ${times('unsupported')} unsupported`,
  );
  return report.failed === 0 ? exitCodes.ok : exitCodes.failed;
}

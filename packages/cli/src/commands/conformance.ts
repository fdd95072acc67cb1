import type { Command, CommandContext } from '../lib/cli/command.ts';
import { type ExitCode, exitCodes } from '../lib/cli/exit-codes.ts';
import { usageError } from '../lib/cli/usage-error.ts';

export const command: Command = {
  name: 'conformance',
  summary: 'run conformance suites against a module',
  usage: 'conformance [[SUITE] MODULE] [options]',
  description:
    'The module exports an async function for each port it implements, named after the suite ("journal", "recordStore" …), that returns ' +
    '{ setup, capabilities?, close? } with a fresh, empty implementation for each case. With a SUITE the function is "create", or --export NAME. ' +
    'A case that needs a capability the implementation lacks is printed as unsupported, never as passed. Exits with 1 when a case failed.',
  flags: {
    export: { type: 'text', value: 'NAME', help: 'the export that creates a setup (default create; needs a SUITE)' },
    'timeout-ms': { type: 'number', value: 'MS', help: 'the longest time for one case (default 30000)' },
    junit: { type: 'text', value: 'FILE', help: 'also write the result as JUnit XML' },
    out: { type: 'text', value: 'FILE', help: 'also write the result as JSON' },
  },
  examples: [
    ['genie conformance', 'list the suites'],
    ['genie conformance ./my-adapter.ts', 'prove every port that the module exports'],
    ['genie conformance journal ./my-journal.ts', 'prove a journal'],
    ['genie conformance ./my-adapter.ts --junit report.xml --out report.json', 'for CI'],
  ],
  maxPositionals: 2,
  async run(context) {
    const { loadSuites } = await import('../lib/conformance/load-suites.ts');
    const suites = await loadSuites();
    if (context.positionals.length === 0) return listSuites(context, suites);
    const { choosePairs } = await import('../lib/conformance/choose-pairs.ts');
    const pairs = await choosePairs(suites, {
      positionals: context.positionals,
      exportName: context.flags.text('export'),
      workingFolder: context.workingFolder,
    });
    const { runSuites } = await import('../lib/conformance/run-suites.ts');
    const failed = await runSuites(context, pairs);
    return failed === 0 ? exitCodes.ok : exitCodes.failed;
  },
};

type Suites = Awaited<ReturnType<typeof import('../lib/conformance/load-suites.ts')['loadSuites']>>;

async function listSuites({ terminal, flags }: CommandContext, suites: Suites): Promise<ExitCode> {
  if (flags.text('junit') ?? flags.text('out')) throw usageError('--junit and --out need a module to test.');
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

import { GenieError } from '@genie/core/errors';
import { type KpiDefinition, parseJson, type SandboxPort } from '@genie/core/ports';
import type { Trial } from './experiment.ts';

export interface CommandTrialOptions {
  readonly sandbox: SandboxPort;
  /** Program and arguments; `{case}` becomes the case's id. Runs in the copy. */
  readonly command: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
  /** Default 10 minutes. */
  readonly timeoutMs?: number;
}

/** KPIs that every {@link commandTrial} measures: whether the command succeeded, and how long it took. */
export function commandKpis(): readonly KpiDefinition[] {
  const probe = { kind: 'run-field', field: 'steps' };
  return [
    {
      id: 'command-succeeded',
      name: 'Validation succeeded',
      unit: 'yes/no',
      direction: 'up',
      target: 1,
      aggregation: 'yes-no',
      probe,
    },
    { id: 'command-took', name: 'Validation time', unit: 'ms', direction: 'down', target: 600_000, probe },
  ];
}

/**
 * A validation command in the sandbox, e.g. a test suite: a process of its own per case. Its exit code and time are values, and so are the
 * numbers of a JSON object on its last line of output, by KPI id. Rejects with `GENIE_EXPERIMENT_COMMAND` when it was killed.
 */
export function commandTrial(options: CommandTrialOptions): Trial {
  return async ({ folder, caseId, signal }) => {
    const [program, ...rest] = options.command;
    const result = await options.sandbox.run(
      {
        command: [program, ...rest.map((argument) => argument.replaceAll('{case}', caseId))],
        workingDirectory: folder,
        environment: options.environment ?? {},
        limits: { timeoutMs: options.timeoutMs ?? 600_000, maxOutputBytes: 1024 * 1024 },
      },
      { signal },
    );
    if (result.killedBy !== undefined) {
      throw new GenieError(
        'GENIE_EXPERIMENT_COMMAND',
        `${program} was ended by ${result.killedBy} after ${Math.round(result.tookMs)} ms.`,
      );
    }
    const own = { 'command-succeeded': result.exitCode === 0 ? 1 : 0, 'command-took': result.tookMs };
    return { values: { ...numbersOf(result.stdout), ...own } };
  };
}

function numbersOf(stdout: string): Record<string, number> {
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  try {
    const value = parseJson(last);
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(
      Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
    );
  } catch {
    return {};
  }
}

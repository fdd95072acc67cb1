import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { describeThrown, GenieError } from '@genie/core/errors';
import { dashboardToHtml } from '@genie/metrics';
import { findHomeExperiments } from './experiments-folder.ts';
import type { HomeMetrics } from './open-home-metrics.ts';

export interface WriteReportOptions {
  readonly home: string;
  readonly name: string;
  readonly open: HomeMetrics;
  readonly days: number;
  /** Default: `artifacts/metrics.html` in the home. */
  readonly to: string | undefined;
  readonly workingFolder: string;
}

/** Writes the HTML report, whole or not at all, and returns where it is. Rejects with `GENIE_CLI_FILE`. */
export async function writeHtmlReport(options: WriteReportOptions): Promise<string> {
  const { home, name, open, days, to, workingFolder } = options;
  const { metrics, file, folders, approvals } = open;
  const experiments = findHomeExperiments({ home, genieId: file.id, changes: metrics.changes, approvals });
  try {
    const evaluation = (await metrics.evaluations({ limit: 1 })).at(-1);
    const html = dashboardToHtml(await metrics.dashboard({ days }), {
      title: `${name}: ${file.goal}`,
      ...(evaluation === undefined ? {} : { evaluation }),
      experiments: (await experiments?.list()) ?? [],
    });
    const target = to === undefined ? join(folders.artifacts, 'metrics.html') : resolve(workingFolder, to);
    await writeWhole(target, html);
    return target;
  } finally {
    await experiments?.close();
  }
}

async function writeWhole(target: string, html: string): Promise<void> {
  try {
    await mkdir(dirname(target), { recursive: true });
    await writeFile(`${target}.tmp`, html, { mode: 0o600 });
    await rename(`${target}.tmp`, target);
  } catch (error) {
    const message = `The report cannot be written to ${target}: ${describeThrown(error)}. Name another file with --to.`;
    throw new GenieError('GENIE_CLI_FILE', message, { cause: error });
  }
}

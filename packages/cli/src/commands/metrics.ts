import type { Command } from '../lib/cli/command.ts';
import { exitCodes } from '../lib/cli/exit-codes.ts';
import { findHome } from '../lib/homes/find-home.ts';

export const command: Command = {
  name: 'metrics',
  summary: 'show the KPIs of a genie',
  usage: 'metrics [NAME] [options]',
  description: 'Values come from probes, never from what a run says of itself. "no data" is never shown as a zero.',
  flags: {
    days: { type: 'number', value: 'N', help: 'how far to look back (default 30)' },
    observations: { type: 'text', value: 'KPI', help: 'the raw observations of one KPI, with their evidence' },
  },
  examples: [
    ['genie metrics', 'every KPI with its trend, the outcomes and what it cost'],
    ['genie metrics news --observations items-cited --json', 'what was seen, when and where'],
  ],
  maxPositionals: 1,
  async run(context) {
    const { flags, terminal } = context;
    const found = findHome(context);
    const [{ homeFolders, readGenieFile }, { openMetrics }, views] = await Promise.all([
      import('@genie/core/home'),
      import('@genie/metrics'),
      import('../print/metrics.ts'),
    ]);
    const file = readGenieFile(found.home);
    const timeZone = file.schedule?.timezone;
    const metrics = openMetrics({ dir: homeFolders(found.home).metrics, ...(timeZone ? { timeZone } : {}) });
    try {
      const kpiId = flags.text('observations');
      if (kpiId === undefined) await views.showDashboard(metrics, { days: flags.positive('days') ?? 30 }, terminal);
      else await views.showObservations(metrics, kpiId, terminal);
      return exitCodes.ok;
    } finally {
      await metrics.close();
    }
  },
};

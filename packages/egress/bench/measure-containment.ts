import { createEgress, explainContainment, openContainment } from '@genie/egress';
import { median } from './load.ts';
import { type Row, row } from './row.ts';

/** Start of a namespace holder. No row where namespaces are not available. */
export async function measureContainment({ log }: { readonly log: (line: string) => void }): Promise<Row[]> {
  const report = await explainContainment();
  if (!report.isAvailable) {
    log(`containment: not measured (${report.missing.join('; ')})`);
    return [];
  }
  const egress = createEgress({ allow: [] });
  const times: number[] = [];
  for (let index = 0; index < 9; index += 1) {
    const startedAt = performance.now();
    const contained = await openContainment(egress);
    times.push(performance.now() - startedAt);
    await contained.close();
  }
  await egress.close();
  log(`containment: ${median(times).toFixed(0)} ms`);
  return [row('egress.containment', 'start of the namespace of one genie', median(times), 'ms', 150, 'max')];
}

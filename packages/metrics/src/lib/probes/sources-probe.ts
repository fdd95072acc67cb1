import { z } from 'zod';
import { defineProbe, fromRun, noData } from './probe.ts';
import { isReached } from './reached.ts';

/** The percentage of the genie's sources that a completed tool call of this run names in its input or output. */
export const sourcesProbe = defineProbe('sources', z.strictObject({}), (_options, context) => {
  const { sources } = context.run;
  if (sources.length === 0) return noData('not-applicable', 'run:sources', 'the genie has no sources');
  const evidence = sources.map((source) => ({ location: source.location, reached: isReached(context.run, source) }));
  const reached = evidence.filter((one) => one.reached).length;
  return fromRun(context, 'sources', { value: (100 * reached) / sources.length, weight: sources.length, evidence });
});

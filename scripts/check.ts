// What `npm test` does, cheapest step first. Arguments go to vitest: `npm test -- journal` runs only the tests of matching files.
import { runSteps, type Step } from './run-steps.ts';

export const checkSteps: readonly Step[] = [
  { name: 'format and lint', command: ['biome', 'check', '--error-on-warnings', '.'] },
  { name: 'workspace', command: ['node', 'scripts/check-workspace.ts'] },
  { name: 'error codes', command: ['node', 'scripts/check-error-codes.ts'] },
  { name: 'layers', command: ['node', 'scripts/check-layers.ts'] },
  { name: 'types', command: ['tsc', '-b'] },
  { name: 'documentation examples', command: ['node', 'scripts/check-docs.ts'] },
];

if (import.meta.main) {
  await runSteps([...checkSteps, { name: 'tests', command: ['vitest', 'run', ...process.argv.slice(2)], loud: true }]);
}

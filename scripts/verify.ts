// Everything that a change has to pass: what `npm test` does, the API reference, and the packages as their users get them.
import { checkSteps } from './check.ts';
import { runSteps } from './run-steps.ts';

await runSteps([
  ...checkSteps,
  { name: 'API reference', command: ['node', 'tooling/api-docs.ts'] },
  { name: 'packages', command: ['node', 'scripts/check-packages.ts'], loud: true },
  { name: 'tests', command: ['vitest', 'run'], loud: true },
]);

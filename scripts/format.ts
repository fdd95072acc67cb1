// Formats, sorts imports and applies the safe fixes of the linter.
import { runSteps } from './run-steps.ts';

await runSteps([{ name: 'format', command: ['biome', 'check', '--write', ...process.argv.slice(2), '.'], loud: true }]);

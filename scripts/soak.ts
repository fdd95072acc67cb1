import { measure } from './measure.ts';

await measure('soak', process.argv.slice(2)).catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 2;
});

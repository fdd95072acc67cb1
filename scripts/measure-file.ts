// Runs one bench or soak file in this process and hands its rows to the parent, see measure.ts.
import { pathToFileURL } from 'node:url';

const { kind, file, json, trials } = JSON.parse(process.argv[2] ?? '{}');
const module = await import(pathToFileURL(file).href);
if (typeof module[kind] !== 'function') throw new Error(`${file} has to export a function ${kind}.`);
const log = (line: string) => console.log(line);
const rows = await module[kind](kind === 'soak' ? { trials, json, log } : { json, log });
// The callback runs once the rows have left, so leftover timers of a measurement cannot keep the command waiting.
process.send?.(rows, () => process.exit(0));

import { spawnSync } from 'node:child_process';

/** Runs a script in a fresh Node process and returns the JSON of its last line. Throws with what it complained about. */
export function measureInChild<Result>(
  script: string,
  options: { readonly args?: readonly string[]; readonly flags?: readonly string[] } = {},
): Result {
  const { args = [], flags = process.execArgv } = options;
  const child = spawnSync(process.execPath, [...flags, script, ...args], {
    encoding: 'utf8',
    timeout: 180_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (child.status !== 0) throw new Error(`${script} ended with ${child.signal ?? child.status}: ${child.stderr}`);
  return JSON.parse(child.stdout.trim().split('\n').at(-1) ?? '') as Result;
}

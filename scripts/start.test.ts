import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const start = path.join(import.meta.dirname, 'start.mjs');
const folder = mkdtempSync(path.join(tmpdir(), 'genie-start-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('start.mjs', () => {
  it('runs TypeScript sources with arguments, standard input and the exit code passed through', () => {
    const file = script(
      'echo.ts',
      `import { GenieError } from ${JSON.stringify(path.join(import.meta.dirname, '../packages/core/src/errors.ts'))};
       const input: string = (await process.stdin.toArray()).join('');
       console.log(JSON.stringify([input, typeof GenieError, ...process.argv.slice(2)]));
       process.exit(3);`,
    );
    const { status, stdout } = spawnSync(process.execPath, [start, 'run', file, '--flag', 'a b'], {
      input: 'in',
      encoding: 'utf8',
    });
    expect({ status, stdout }).toEqual({ status: 3, stdout: '["in","function","--flag","a b"]\n' });
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('passes %s on once and leaves the end to the target', async (signal) => {
    const file = script(
      `${signal}.ts`,
      `let count = 0;
       process.on('${signal}', () => { count += 1; setTimeout(() => process.exit(40 + count), 100); });
       setInterval(() => {}, 1000);
       console.log('ready');`,
    );
    const child = spawn(process.execPath, [start, 'run', file], { stdio: ['ignore', 'pipe', 'pipe'] });
    await once(child.stdout, 'data');
    child.kill(signal);
    const [code] = await once(child, 'exit');
    expect(code).toBe(41);
  });

  it('says 128 + n when a signal ends the target', async () => {
    const child = spawn(process.execPath, [start, 'run', script('killed.ts', "process.kill(process.pid, 'SIGKILL');")]);
    const [code] = await once(child, 'exit');
    expect(code).toBe(137);
  });

  it('names the targets when there is no such one', () => {
    const { status, stderr } = spawnSync(process.execPath, [start, 'nope'], { encoding: 'utf8' });
    expect(status).toBe(2);
    expect(stderr).toContain('Unknown target "nope". Use one of check,');
  });
});

function script(name: string, source: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, source);
  return file;
}

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Limiter, limitCommand } from './limit-command.ts';

const limits = {
  timeoutMs: 7500,
  maxOutputBytes: 1,
  maxProcesses: 4000,
  maxFileBytes: 1024 * 1024,
  maxMemoryBytes: 512 * 1024 * 1024,
};
const limiters: readonly Limiter[] = [
  ...(process.platform === 'linux' && realpathSync('/bin/sh').endsWith('dash') ? (['dash'] as const) : []),
  ...(existsSync('/usr/bin/prlimit') ? (['prlimit'] as const) : []),
];

function run(command: readonly string[], limiter: Limiter, more: object = {}) {
  const [program = '', ...rest] = limitCommand(command, { ...limits, ...more }, { limiter });
  return spawnSync(program, rest, { encoding: 'utf8' });
}

describe.each(limiters)('limitCommand by %s', (limiter) => {
  it('sets every limit, hard', () => {
    const { stdout } = run(['/bin/cat', '/proc/self/limits'], limiter);
    const limit = (name: string) => new RegExp(`^${name}\\s+(\\S+)\\s+(\\S+)`, 'm').exec(stdout)?.slice(1, 3);
    expect(limit('Max processes')).toEqual(['4000', '4000']);
    expect(limit('Max file size')).toEqual(['1048576', '1048576']);
    expect(limit('Max cpu time')).toEqual(['8', '8']);
    expect(limit('Max data size')).toEqual(['536870912', '536870912']);
    expect(limit('Max core file size')).toEqual(['0', '0']);
    expect(limit('Max open files')).toEqual(['1024', '1024']);
  });

  it('passes arguments and exit codes on', () => {
    expect(run(['/bin/echo', 'a b', '$HOME', '"'], limiter).stdout).toBe('a b $HOME "\n');
    expect(run(['/bin/sh', '-c', 'exit 7'], limiter).status).toBe(7);
    expect(run(['/bin/sh', '-c', 'echo "$0"; echo "x" | cat'], limiter).stdout).toMatch(/x\n$/);
    expect(run(['/bin/sh', '-c', 'exit $1', 'name', '5'], limiter).status).toBe(5);
  });
});

describe('limitCommand', () => {
  it('is content with a hard limit that is lower already', () => {
    const [program = '', ...rest] = limitCommand(['/bin/sh', '-c', 'ulimit -n'], limits, { limiter: 'dash' });
    expect(
      execFileSync('/bin/sh', ['-c', 'ulimit -n 100; exec "$@"', 'sh', program, ...rest], { encoding: 'utf8' }),
    ).toBe('100\n');
  });
});

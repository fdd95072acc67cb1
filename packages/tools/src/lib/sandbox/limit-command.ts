import type { SandboxLimits } from '@genie/core';

/** How limits are set before the command starts: the shell's own `ulimit`, or `prlimit(1)`. */
export type Limiter = 'dash' | 'prlimit';

const openFiles = 1024;

/**
 * Puts per-process limits in front of a command: processes (counted inside the sandbox only), size of one file, CPU time,
 * data segment, open files, no core dumps. A limit that cannot be set ends the command with 125.
 */
export function limitCommand(command: readonly string[], limits: SandboxLimits, limiter: Limiter): string[] {
  const wanted = resourceLimits(limits);
  return limiter === 'dash' ? byShell(command, wanted) : byProgram(command, wanted);
}

interface ResourceLimits {
  readonly processes: number;
  readonly fileBytes: number;
  readonly cpuSeconds: number;
  readonly dataBytes: number | undefined;
}

function resourceLimits(limits: SandboxLimits): ResourceLimits {
  return {
    processes: limits.maxProcesses ?? 128,
    fileBytes: limits.maxFileBytes ?? 256 * 1024 * 1024,
    // A process may burn at most what the wall clock allows; the clock counts for all of them together.
    cpuSeconds: Math.max(1, Math.ceil(limits.timeoutMs / 1000)),
    dataBytes: limits.maxMemoryBytes,
  };
}

function byShell(command: readonly string[], limits: ResourceLimits): string[] {
  const lines = [
    shellLimit('c', 0),
    shellLimit('n', openFiles),
    shellLimit('p', limits.processes),
    shellLimit('f', Math.max(1, Math.floor(limits.fileBytes / 512))),
    shellLimit('t', limits.cpuSeconds),
    ...(limits.dataBytes === undefined ? [] : [shellLimit('d', Math.max(1024, Math.floor(limits.dataBytes / 1024)))]),
  ].join('\n');
  const [program, flag, script, ...rest] = command;
  const isScript = program === '/bin/sh' && flag === '-c' && script !== undefined && rest.length === 0;
  return isScript
    ? ['/bin/sh', '-c', `${lines}\neval "$1"`, 'sh', script]
    : ['/bin/sh', '-c', `${lines}\nexec "$@"`, 'sh', ...command];
}

/** Setting fails when the hard limit is lower already, which is as good. */
function shellLimit(flag: string, value: number): string {
  return `ulimit -${flag} ${value} 2>/dev/null || [ "$(ulimit -H -${flag})" -le ${value} ] 2>/dev/null || exit 125`;
}

function byProgram(command: readonly string[], limits: ResourceLimits): string[] {
  return [
    'prlimit',
    '--core=0',
    `--nofile=${openFiles}`,
    `--nproc=${limits.processes}`,
    `--fsize=${limits.fileBytes}`,
    `--cpu=${limits.cpuSeconds}`,
    ...(limits.dataBytes === undefined ? [] : [`--data=${limits.dataBytes}`]),
    '--',
    ...command,
  ];
}

import type { SandboxLimits } from '@genie/core';

/** How limits are set before the command starts: the shell's own `ulimit`, or `prlimit(1)`. */
export type Limiter = 'dash' | 'prlimit';

const openFiles = 1024;

/** Descriptors that the first program closes before the command starts. Both below 10: a shell knows no others. */
export interface StartGate {
  /**
   * Leads to the runtime, both ways. A line is sent when every process of the sandbox has asked to be ended with its parent, and
   * the command starts when one comes back ({@link answerGate}): the thread that answers is the one whose end the kernel
   * passes on, so it lived after all had asked. That a write succeeds proves less: a process that is being killed loses that
   * thread before the last of its threads lets go of its descriptors.
   */
  readonly lifeline: number;
  /** The entrance of the command's control group. */
  readonly group?: number | undefined;
}

/**
 * Puts per-process limits in front of a command: processes (counted inside the sandbox only), size of one file, CPU time,
 * data segment, open files, no core dumps. A limit that cannot be set ends the command with 125.
 */
export function limitCommand(
  command: readonly string[],
  limits: SandboxLimits,
  { limiter, gate }: { readonly limiter: Limiter; readonly gate?: StartGate },
): string[] {
  const wanted = resourceLimits(limits);
  const before = gate === undefined ? [] : gateLines(gate);
  if (limiter === 'dash') return byShell(command, wanted, before);
  const limited = byProgram(command, wanted);
  return before.length === 0 ? limited : inShell(limited, before);
}

/** Puts the gate alone in front of a command, for a program that runs as long as the runtime does. */
export function gateCommand(command: readonly string[], gate: StartGate): string[] {
  return inShell(command, gateLines(gate));
}

/** The first process is waited for because its wish to end with its parent is the one that is made last. */
function gateLines({ lifeline, group }: StartGate): string[] {
  return [
    ...(group === undefined ? [] : [`echo 0 >&${group} || exit 125`, `exec ${group}>&-`]),
    'tries=0',
    'while [ "$tries" -lt 500 ]; do { read -r _; read -r _; read -r _ state _; } </proc/1/status',
    '[ "$state" = S ] && break; tries=$((tries + 1)); done',
    `echo >&${lifeline} && read -r _ <&${lifeline} || exit 125`,
    `exec ${lifeline}>&-`,
    'unset tries state _',
  ];
}

function inShell(command: readonly string[], lines: readonly string[]): string[] {
  return ['/bin/sh', '-c', [...lines, 'exec "$@"'].join('\n'), 'sh', ...command];
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

function byShell(command: readonly string[], limits: ResourceLimits, before: readonly string[]): string[] {
  const lines = [
    ...before,
    shellLimit('c', 0),
    shellLimit('n', openFiles),
    shellLimit('p', limits.processes),
    shellLimit('f', Math.max(1, Math.floor(limits.fileBytes / 512))),
    shellLimit('t', limits.cpuSeconds),
    ...(limits.dataBytes === undefined ? [] : [shellLimit('d', Math.max(1024, Math.floor(limits.dataBytes / 1024)))]),
  ];
  const [program, flag, script, ...rest] = command;
  const isScript = program === '/bin/sh' && flag === '-c' && script !== undefined && rest.length === 0;
  return isScript ? ['/bin/sh', '-c', [...lines, 'eval "$1"'].join('\n'), 'sh', script] : inShell(command, lines);
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

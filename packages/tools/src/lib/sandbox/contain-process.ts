import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Duplex, Readable, Writable } from 'node:stream';
import type { SandboxLimits, SandboxResult } from '@genie/core';
import { createDescriptorScan, type DescriptorScan } from './inherited-descriptors.ts';
import { killContained } from './kill-contained.ts';

/** A descriptor the child gets: an open one of ours, or a pipe whose other end we keep. */
export type ExtraDescriptor = number | 'pipe';

export interface ContainedStart {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  readonly stdin: string | undefined;
  /** Where the extra descriptors are in the child, in their order; see {@link planDescriptors}. */
  readonly plan: DescriptorPlan;
  readonly extra: readonly ExtraDescriptor[];
}

export interface DescriptorPlan {
  /** Numbers of the extra descriptors inside. */
  readonly numbers: readonly number[];
  /** What our own parent left open. */
  readonly inherited: readonly number[];
}

/** Numbers from 3 on; what the child would inherit under them is covered by them, and the rest by `/dev/null`. */
export function planDescriptors(count: number, scan: DescriptorScan = createDescriptorScan()): DescriptorPlan {
  return { numbers: Array.from({ length: count }, (_, index) => index + 3), inherited: scan() };
}

/** Starts with an empty environment and with every inherited descriptor covered. */
export function startContained(start: ContainedStart): {
  readonly child: ChildProcess;
  readonly pipes: readonly (Readable | Writable | null)[];
} {
  const cover = start.plan.inherited.length > 0 ? openSync(devNull, 'r') : undefined;
  try {
    const stdio: (number | 'pipe' | 'ignore')[] = [start.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'];
    for (const number of start.plan.inherited) stdio[number] = cover ?? 'ignore';
    for (const [index, number] of start.plan.numbers.entries()) stdio[number] = start.extra[index] ?? 'ignore';
    const child = spawn(start.program, start.arguments, {
      env: {},
      stdio: Array.from(stdio, (entry) => entry ?? 'ignore'),
      ...(start.user ?? {}),
    });
    const pipes = start.plan.numbers.map((number) => (child.stdio[number] ?? null) as Readable | Writable | null);
    return { child, pipes };
  } finally {
    if (cover !== undefined) closeSync(cover);
  }
}

/** Lets a command start that waits at its gate (`StartGate`): says that this thread is still there. */
export function answerGate(lifeline: Readable | Writable | null | undefined): void {
  const socket = lifeline as Duplex | null | undefined;
  socket?.on('error', () => undefined).once('data', () => socket.write('\n'));
}

function endContained({ pid }: ChildProcess): void {
  if (pid !== undefined) killContained(pid);
}

export type KilledBy = NonNullable<SandboxResult['killedBy']>;

export interface Collected {
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | null;
  readonly killedBy: KilledBy | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
}

/** Reads both outputs up to the limit and ends the child on time-out, abort or flood. Rejects when it could not start. */
export function collectOutput(
  child: ChildProcess,
  limits: SandboxLimits,
  signal: AbortSignal | undefined,
  onKill: (kill: (reason: KilledBy) => void) => void,
  end: (child: ChildProcess) => void = endContained,
): Promise<Collected> {
  return new Promise((resolve, reject) => {
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    let left = limits.maxOutputBytes;
    let killedBy: KilledBy | undefined;
    const kill = (reason: KilledBy) => {
      killedBy ??= reason;
      if (child.exitCode === null && child.signalCode === null) end(child);
    };
    const onAbort = () => kill('abort');
    const timer = Number.isFinite(limits.timeoutMs) ? setTimeout(() => kill('timeout'), limits.timeoutMs) : undefined;
    const release = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.on('data', (chunk: Buffer) => {
        if (left > 0) output[name].push(chunk.length > left ? chunk.subarray(0, left) : chunk);
        left -= chunk.length;
        if (left < 0) kill('output');
      });
    }
    signal?.addEventListener('abort', onAbort, { once: true });
    onKill(kill);
    child.once('error', (error) => {
      release();
      reject(error);
    });
    child.once('close', (code, ended) => {
      release();
      const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString('utf8');
      resolve({
        exitCode: code ?? undefined,
        signal: ended,
        killedBy,
        stdout: text(output.stdout),
        stderr: text(output.stderr),
        truncated: left < 0,
      });
    });
    if (signal?.aborted) kill('abort');
  });
}

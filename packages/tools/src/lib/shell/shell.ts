import { defineTool, type SandboxPort, type Tool } from '@genie/core';
import { z } from 'zod';
import { createSandbox } from '../sandbox/create-sandbox.ts';
import type { SandboxOptions } from '../sandbox/sandbox-options.ts';
import { type PlantedFile, plantedFiles } from './planted-files.ts';

type Network = NonNullable<SandboxOptions['network']>;

export interface ShellOptions extends Omit<SandboxOptions, 'network'> {
  /** A way out, or how to open one when the first command needs it (undefined: there is none). Default no network. */
  readonly network?: Network | (() => Promise<Network | undefined>);
  /** Another sandbox than the one of this machine, e.g. a container. The tool closes it. */
  readonly sandbox?: SandboxPort;
  /** Default time limit of a command. Default 120,000. */
  readonly timeoutMs?: number;
  /** Most bytes of output that are read; more ends the command. Default 8 MiB. */
  readonly maxOutputBytes?: number;
  /** Memory of all processes of a command together. Default 1 GiB. */
  readonly maxMemoryBytes?: number;
  /** Default 128. */
  readonly maxProcesses?: number;
  /** Size of one file. Default 256 MiB. */
  readonly maxFileBytes?: number;
  /** Variables the command sees; nothing of the runtime's own environment gets in. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Default `first-use`. */
  readonly approval?: Tool['approval'];
}

const input = z.object({
  command: z.string().min(1).max(100_000).describe('A script for /bin/sh'),
  workingDirectory: z.string().default('.').describe('Folder inside the workspace'),
  timeoutMs: z.number().int().min(1).max(3_600_000).optional(),
  stdin: z.string().optional(),
});

const output = z.object({
  exitCode: z.number().optional(),
  killedBy: z.enum(['timeout', 'abort', 'output', 'memory', 'signal']).optional(),
  stdout: z.string(),
  stderr: z.string(),
  truncated: z.boolean(),
  tookMs: z.number(),
  /** Files that the command left and that other programs may run later. */
  planted: z.array(z.object({ path: z.string(), why: z.string() })).optional(),
});

export type ShellTool = Tool & AsyncDisposable & { readonly sandbox: () => Promise<SandboxPort> };

/**
 * The tool `shell`: runs a script in the sandbox, with the workspace as the only folder it can change and no network
 * unless the sandbox has one. The sandbox is made on the first call; without one every call fails with
 * `GENIE_SANDBOX_UNAVAILABLE`, and nothing is ever run outside. Permission `shell`, effect `once`.
 */
export function shell(options: ShellOptions): ShellTool {
  let made: Promise<SandboxPort> | undefined = options.sandbox ? Promise.resolve(options.sandbox) : undefined;
  const sandbox = () => {
    made ??= openSandbox(options);
    return made;
  };
  const tool = defineTool({
    name: 'shell',
    description:
      'Runs a shell script in a sandbox. It can read and write the workspace only; output and time are limited.',
    input,
    output,
    effect: 'once',
    permissions: ['shell'],
    // The command's own limit counts; this one is for a sandbox that does not answer.
    timeoutMs: 3_660_000,
    approval: options.approval ?? 'first-use',
    run: async (request, context) => runScript(await sandbox(), request, { options, signal: context.signal }),
  });
  return Object.assign(tool as Tool, {
    sandbox,
    async [Symbol.asyncDispose]() {
      await (await made?.catch(() => undefined))?.close();
    },
  });
}

async function openSandbox({ network: wanted, ...options }: ShellOptions): Promise<SandboxPort> {
  const network = typeof wanted === 'function' ? await wanted() : wanted;
  return createSandbox({ ...options, ...(network === undefined ? {} : { network }) });
}

async function runScript(
  sandbox: SandboxPort,
  request: z.infer<typeof input>,
  { options, signal }: { readonly options: ShellOptions; readonly signal: AbortSignal },
): Promise<z.infer<typeof output>> {
  const before = new Map(plantedFiles(options.workspace).map((file) => [file.path, file.changedAt]));
  const result = await sandbox.run(
    {
      command: ['/bin/sh', '-c', request.command],
      workingDirectory: request.workingDirectory,
      environment: options.environment ?? {},
      ...(request.stdin === undefined ? {} : { stdin: request.stdin }),
      limits: {
        timeoutMs: request.timeoutMs ?? options.timeoutMs ?? 120_000,
        maxOutputBytes: options.maxOutputBytes ?? 8 * 1024 * 1024,
        maxMemoryBytes: options.maxMemoryBytes ?? 1024 * 1024 * 1024,
        maxProcesses: options.maxProcesses ?? 128,
        maxFileBytes: options.maxFileBytes ?? 256 * 1024 * 1024,
      },
    },
    { signal },
  );
  const planted = plantedFiles(options.workspace).filter((file) => before.get(file.path) !== file.changedAt);
  return {
    ...result,
    ...(planted.length === 0 ? {} : { planted: planted.map(({ path, why }: PlantedFile) => ({ path, why })) }),
  };
}

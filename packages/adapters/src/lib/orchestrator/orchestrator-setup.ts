import { setTimeout as sleep } from 'node:timers/promises';
import { expectThat } from '@genie/core/conformance';
import type { ContainerInfo, ContainerSpec, ExecOptions, Orchestrator } from './orchestrator.ts';

/** What a case of the orchestrator's suite gets. Containers need `/bin/sh`, `cat`, `sleep`, `grep` and `tr`. */
export interface OrchestratorSetup {
  readonly orchestrator: Orchestrator;
  /** Another one over the same runtime and owner, as after a restart of this process. */
  reopen(): Promise<Orchestrator>;
  /** One over the same runtime for another owner. */
  openOther(): Promise<Orchestrator>;
}

/** A container whose program is a shell script. */
export function shell(name: string, script: string, more: Partial<ContainerSpec> = {}): ContainerSpec {
  return { name, command: ['/bin/sh', '-c', script], ...more };
}

/** Lives until it is asked to end. */
export const idle = 'trap "exit 0" TERM; while :; do sleep 0.05; done';

export async function run(orchestrator: Orchestrator, spec: ContainerSpec): Promise<void> {
  await orchestrator.create(spec);
  await orchestrator.start(spec.name);
}

export interface Said {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script inside to its end. */
export async function say(
  orchestrator: Orchestrator,
  name: string,
  script: string,
  more: Partial<ExecOptions> & { readonly stdin?: string } = {},
): Promise<Said> {
  const { stdin, ...options } = more;
  const session = await orchestrator.exec(name, { command: ['/bin/sh', '-c', script], ...options });
  if (stdin !== undefined) await session.write(stdin);
  session.end();
  const said = { stdout: '', stderr: '' };
  for await (const { stream, data } of session.output) said[stream] += new TextDecoder().decode(data);
  const { exitCode } = await session.ended;
  await session.close();
  return { exitCode, ...said };
}

/** Waits until a container is as wanted. Throws after 15 s. */
export async function until(
  orchestrator: Orchestrator,
  name: string,
  wanted: (info: ContainerInfo) => boolean,
): Promise<ContainerInfo> {
  for (let tries = 0; tries < 300; tries += 1) {
    const info = await orchestrator.inspect(name);
    if (info && wanted(info)) return info;
    await sleep(50);
  }
  throw new Error(`${name} did not get there: ${JSON.stringify(await orchestrator.inspect(name))}`);
}

export async function logText(orchestrator: Orchestrator, name: string, tailLines?: number): Promise<string> {
  let text = '';
  for await (const { data } of orchestrator.logs(name, tailLines === undefined ? {} : { tailLines }))
    text += new TextDecoder().decode(data);
  return text;
}

/** Waits until a command inside prints something that fits. */
export async function untilSays(
  orchestrator: Orchestrator,
  name: string,
  script: string,
  wanted: RegExp,
): Promise<void> {
  let last = '';
  for (let tries = 0; tries < 100; tries += 1) {
    last = (await say(orchestrator, name, script)).stdout;
    if (wanted.test(last)) return;
    await sleep(50);
  }
  expectThat(false, `${script} said ${JSON.stringify(last)}`);
}

import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { describeThrown, GenieError } from '@genie/core/errors';
import type { SandboxCapabilities, SandboxPort } from '@genie/core/ports';
import { connectDocker } from './connect-docker.ts';
import { containerUser } from './container-settings.ts';
import { createDockerCall } from './docker-call.ts';
import { runSandboxed } from './run-sandboxed.ts';
import type { DockerSandboxOptions, SandboxDeps } from './sandbox-deps.ts';
import { sandboxLabels } from './sandbox-settings.ts';

/**
 * A sandbox for shell commands where each command is a container of its own, locked like those of genies; when it ends, everything it
 * started is gone. Containers of a runtime that died are removed by the next one once their time is over.
 *
 * Rejects with `GENIE_SANDBOX_UNAVAILABLE` (no Docker, no image), `GENIE_OPTIONS_INVALID`, `GENIE_ADAPTER_PEER`.
 */
export async function createDockerSandbox(options: DockerSandboxOptions): Promise<SandboxPort> {
  const user = options.user ?? ownerOf(options.workspace);
  const client = await connectDocker(options);
  const call = createDockerCall('Docker', options.timeoutMs ?? 30_000);
  const leaving = new Set<Promise<unknown>>();
  const running = new Set<AbortController>();
  const deps: SandboxDeps = {
    client,
    call,
    options,
    place: {
      owner: options.owner ?? 'genie',
      image: options.image,
      user,
      temporaryBytes: options.temporaryBytes ?? 64 * 2 ** 20,
      seccomp: undefined,
    },
    leave(work) {
      const done: Promise<unknown> = work.catch(() => undefined).then(() => leaving.delete(done));
      leaving.add(done);
    },
  };
  await makeSure(deps);
  deps.leave(reap(deps));
  let closed = false;
  return {
    capabilities: capabilities(options.egress !== undefined),
    async run(command, { signal } = {}) {
      if (closed) throw unavailable('it was closed', 'make a new one');
      const stop = new AbortController();
      running.add(stop);
      try {
        return await runSandboxed(deps, command, signal ? AbortSignal.any([signal, stop.signal]) : stop.signal);
      } finally {
        running.delete(stop);
      }
    },
    async close() {
      closed = true;
      for (const stop of running) stop.abort();
      while (running.size > 0 || leaving.size > 0) {
        await Promise.all(leaving);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  };
}

/** So that a missing daemon or image is known at once and not at the first command. */
async function makeSure({ client, call, options }: SandboxDeps): Promise<void> {
  try {
    await call({ what: 'Asking Docker' }, () => client.ping());
    await call({ what: 'Looking for the image' }, () => client.getImage(options.image).inspect());
  } catch (error) {
    throw unavailable(describeThrown(error), 'start Docker and make the image, or use another sandbox');
  }
}

async function reap({ client, call, place }: SandboxDeps): Promise<void> {
  const filters = JSON.stringify({ label: [`${sandboxLabels.owner}=${place.owner}`] });
  for (const { Id, Labels } of await call({ what: 'Listing containers' }, () =>
    client.listContainers({ all: true, filters }),
  )) {
    if (Number(Labels[sandboxLabels.deadline]) > Date.now()) continue;
    await client
      .getContainer(Id)
      .remove({ force: true, v: true })
      .catch(() => undefined);
  }
}

function ownerOf(workspace: string): string {
  const found = isAbsolute(workspace) ? statSync(workspace, { throwIfNoEntry: false }) : undefined;
  if (!found?.isDirectory() || workspace === '/') {
    throw new GenieError(
      'GENIE_OPTIONS_INVALID',
      `${JSON.stringify(workspace)} cannot be the workspace of a sandbox: pass the absolute path of an existing folder of its own.`,
    );
  }
  return found.uid === 0 ? containerUser : `${found.uid}:${found.gid}`;
}

function capabilities(hasDoor: boolean): SandboxCapabilities {
  return {
    name: 'docker',
    isolatesFiles: true,
    isolatesNetwork: true,
    isolatesProcesses: true,
    limitsMemory: true,
    doesNotStop: [
      'a fault of the kernel: containers share it with the host',
      ...(hasDoor ? ['whatever the egress filter lets through'] : []),
      'what a command does to its workspace',
    ],
  };
}

function unavailable(reason: string, fix: string): GenieError {
  return new GenieError('GENIE_SANDBOX_UNAVAILABLE', `No sandbox for commands (${reason}), so none is run: ${fix}.`);
}

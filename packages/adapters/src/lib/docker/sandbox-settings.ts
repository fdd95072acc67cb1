import { posix } from 'node:path';
import { GenieError } from '@genie/core/errors';
import type { SandboxCommand } from '@genie/core/ports';
import { type ContainerPlace, environmentList, lockedHost } from './container-settings.ts';
import type { DockerCreate } from './docker-client.ts';
import { doorEnvironment, throughDoor } from './door.ts';

export const sandboxLabels = { owner: 'genie.sandbox', deadline: 'genie.deadline' } as const;

const workspaceInside = '/workspace';

/** Goes to the folder and becomes the program: nothing of the words is read by the shell. */
const enter = 'cd -- "$1" || exit 126; shift; exec "$@"';

export interface SandboxPlace extends ContainerPlace {
  readonly name: string;
  readonly workspace: string;
  readonly egress: string | undefined;
  readonly readOnly: readonly string[];
}

/** What Docker is told for one command. Throws `GENIE_PATH_OUTSIDE` and `GENIE_SANDBOX_COMMAND`. */
export function sandboxSettings(command: SandboxCommand, place: SandboxPlace): DockerCreate {
  const { limits } = command;
  const inside = ['/bin/sh', '-c', enter, 'enter', folderInside(command.workingDirectory), ...command.command] as const;
  const host = lockedHost(
    {
      limits: {
        memoryBytes: Math.max(limits.maxMemoryBytes ?? 2 ** 30, 8 * 2 ** 20),
        maxProcesses: (limits.maxProcesses ?? 128) + 2,
      },
      mounts: [
        { source: place.workspace, target: workspaceInside, readOnly: false },
        ...place.readOnly.map((path) => ({ source: path, target: path })),
      ],
      ...(place.egress === undefined ? {} : { egress: place.egress }),
    },
    place,
  );
  const { NanoCpus: _unlimited, ...rest } = host;
  const fileBytes = limits.maxFileBytes ?? 256 * 2 ** 20;
  const seconds = Math.max(1, Math.ceil(limits.timeoutMs / 1000));
  return {
    name: place.name,
    Image: place.image,
    Cmd: place.egress === undefined ? [...inside] : throughDoor([...inside]),
    Env: environmentList(environmentOf(command, place.egress !== undefined)),
    User: place.user,
    WorkingDir: '/',
    Hostname: 'sandbox',
    Labels: {
      [sandboxLabels.owner]: place.owner,
      [sandboxLabels.deadline]: String(Date.now() + limits.timeoutMs + 60_000),
    },
    ...(command.stdin === undefined ? {} : { OpenStdin: true, StdinOnce: true, AttachStdin: true }),
    HostConfig: {
      ...rest,
      LogConfig: { Type: 'none', Config: {} },
      Ulimits: [
        ...rest.Ulimits,
        { Name: 'fsize', Soft: fileBytes, Hard: fileBytes },
        { Name: 'cpu', Soft: seconds, Hard: seconds + 1 },
      ],
    },
  };
}

function environmentOf(command: SandboxCommand, hasDoor: boolean): Record<string, string> {
  for (const [name, value] of Object.entries(command.environment)) {
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !value.includes('\0')) continue;
    throw new GenieError(
      'GENIE_SANDBOX_COMMAND',
      `The environment variable ${JSON.stringify(name)} cannot be set: use letters, digits and "_" in its name and no NUL in its value.`,
    );
  }
  return { HOME: '/tmp', TMPDIR: '/tmp', LANG: 'C.UTF-8', ...(hasDoor ? doorEnvironment : {}), ...command.environment };
}

function folderInside(workingDirectory: string): string {
  const path = posix.normalize(workingDirectory === '' ? '.' : workingDirectory);
  if (path.startsWith('/') || path === '..' || path.startsWith('../') || path.includes('\0')) {
    throw new GenieError(
      'GENIE_PATH_OUTSIDE',
      `The working directory ${JSON.stringify(workingDirectory)} is outside of the workspace: use a folder inside of it.`,
    );
  }
  return posix.join(workspaceInside, path);
}

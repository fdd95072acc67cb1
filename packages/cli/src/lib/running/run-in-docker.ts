import { chmod, chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openApprovals } from '@genie/core';
import { homeFolders, readGenieFile } from '@genie/core/home';
import type { Source } from '@genie/core/ports';
import type { CommandContext } from '../cli/command.ts';
import type { ExitCode } from '../cli/exit-codes.ts';
import { readSettings } from '../compose/genie-settings.ts';
import { modelHosts } from '../compose/model-hosts.ts';
import { openEgress } from '../compose/open-egress.ts';
import { localRoots } from '../compose/open-tools.ts';
import type { NamedHome } from '../homes/list-homes.ts';
import { quote } from './home-words.ts';
import { relayStore } from './relay-store.ts';

export interface DockerRun {
  readonly context: Pick<CommandContext, 'environment' | 'terminal' | 'signal'>;
  readonly found: NamedHome;
  /** Made by `buildGenieImage`: `genie` is a program in it. */
  readonly image: string;
  /** A database of the host, `postgres://…`. */
  readonly store?: string | undefined;
  /** What starts the command line inside. Default `genie`. */
  readonly program?: readonly string[];
  /** More folders of the host that are seen inside, read only. */
  readonly folders?: readonly string[];
}

/** Variables of the host that a model's provider needs inside. */
const keyNames = /^(?:GENIE_MODEL|OLLAMA_HOST|[A-Z_]+_API_KEY)$/;

/**
 * Runs a genie in a container to its end, over any number of kills of the container, and prints what it printed. What leaves passes the host's
 * filter too: it lets out what `genie.json` and standing grants allow, and asks nobody, because the genie inside does.
 * Resolves to the exit code. Rejects with the codes of `createDockerOrchestrator` and `runContainerJob`.
 */
export async function runInDocker(run: DockerRun): Promise<ExitCode> {
  const { context, found, image, program = ['genie'], folders = [] } = run;
  const [{ createDockerOrchestrator, prepareEgressFolder }, { runContainerJob }] = await Promise.all([
    import('@genie/adapters/docker'),
    import('@genie/adapters/orchestrator'),
  ]);
  const folder = await mkdtemp(join(tmpdir(), 'genie-container-'));
  const door = await prepareEgressFolder(folder);
  const closers: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const file = readGenieFile(found.home);
    closers.push(await openDoor(run, { folder, socket: door.socket }));
    await door.share();
    const relay = run.store === undefined ? undefined : await relayStore(run.store, door.folder);
    if (relay) closers.push(relay.close);
    const orchestrator = await createDockerOrchestrator({ image, owner: 'genie-run', user: await userOf(found.home) });
    const roots = localRoots((file.sources ?? []) as readonly Source[]);
    const line = (command: string, ...more: readonly string[]) =>
      [...program, command, '--home', found.home, ...more, ...(relay ? ['--store', relay.url] : [])]
        .map(quote)
        .join(' ');
    const outcome = await runContainerJob({
      orchestrator,
      signal: context.signal,
      onCutOff: (_info, attempt) =>
        context.terminal.note(`The container was cut off. Attempt ${attempt + 2} goes on where it was.`),
      spec: (attempt) => ({
        name: containerName(file.id),
        command: [
          '/bin/sh',
          '-c',
          attempt === 0 ? `exec ${line('run')}` : `${line('resume', '--all')} && exec ${line('run')}`,
        ],
        environment: Object.fromEntries(
          Object.entries(context.environment).flatMap(([name, value]) =>
            value && keyNames.test(name) ? [[name, value]] : [],
          ),
        ),
        egress: door.folder,
        mounts: [
          ...[...new Set([...roots, ...folders])].map((path) => ({ source: path, target: path })),
          { source: found.home, target: found.home, readOnly: false },
        ],
      }),
    });
    for (const text of outcome.stderr.split('\n').filter(Boolean)) context.terminal.note(text);
    context.terminal.print(outcome.stdout.trimEnd());
    // It is the same command line inside.
    return outcome.exitCode as ExitCode;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** Opens the host's filter behind the socket. Returns what closes it. */
async function openDoor(
  { context, found }: DockerRun,
  place: { readonly folder: string; readonly socket: string },
): Promise<() => Promise<void>> {
  const { startProxy } = await import('@genie/egress');
  const file = readGenieFile(found.home);
  const settings = readSettings(found.home, file);
  const approvals = openApprovals({ dir: homeFolders(found.home).approvals });
  const hosts = modelHosts([file.models?.planning, file.models?.execution, context.environment.GENIE_MODEL], {
    baseUrl: settings.modelBaseUrl,
    environment: context.environment,
  });
  const egress = openEgress({
    home: place.folder,
    genieId: file.id,
    allow: [...new Set([...settings.egress.allow, ...hosts])],
    allowPrivate: settings.egress.allowPrivate,
    approvals,
    events: () => undefined,
  });
  const proxy = await startProxy(egress.quiet, { socket: place.socket });
  return async () => {
    await proxy.close();
    await egress.close();
    await approvals.close();
  };
}

/** Names of containers take less than ids do. */
function containerName(id: string): string {
  return id
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(-40)
    .replace(/^-/, '');
}

const nobody = 65_532;

/** Nobody runs as root inside: a home of root is handed to a user without rights, as the sandbox of commands does it with workspaces. */
async function userOf(home: string): Promise<string> {
  const uid = process.getuid?.() ?? nobody;
  if (uid !== 0) return `${uid}:${process.getgid?.() ?? uid}`;
  await chown(home, nobody, nobody);
  await chmod(home, 0o700);
  for (const entry of await readdir(home, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) await chown(join(entry.parentPath, entry.name), nobody, nobody);
  }
  return `${nobody}:${nobody}`;
}

import { createHash } from 'node:crypto';
import { chmod, chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type GenieFile, readGenieFile } from '@genie/core/home';
import type { Source } from '@genie/core/ports';
import type { CommandContext } from '../cli/command.ts';
import type { ExitCode } from '../cli/exit-codes.ts';
import { createClosers } from '../compose/close-all.ts';
import { type GenieSettings, readSettings } from '../compose/genie-settings.ts';
import type { GenieStore } from '../compose/genie-store.ts';
import { openDoor } from '../compose/open-door.ts';
import { chosenModels } from '../compose/open-models.ts';
import { openStore } from '../compose/open-store.ts';
import { localRoots } from '../compose/open-tools.ts';
import { storeChoice, storeUrl } from '../compose/store-reference.ts';
import type { NamedHome } from '../homes/list-homes.ts';
import { createContainerCommand } from './container-command.ts';
import { modelsFrom } from './model-flags.ts';
import { relayStore } from './relay-store.ts';
import { takeForContainer } from './take-for-container.ts';

export interface DockerRun {
  /** Its flags are those of `genie run`. */
  readonly context: Pick<CommandContext, 'environment' | 'terminal' | 'signal' | 'flags'>;
  readonly found: NamedHome;
  /** Made by `buildGenieImage`: `genie` is a program in it. */
  readonly image: string;
  /** What starts the command line inside. Default `genie`. */
  readonly program?: readonly [string, ...string[]];
  /** More folders of the host that are seen inside, read only. */
  readonly folders?: readonly string[];
}

/** Variables of the host that a model's provider needs inside. */
const keyNames = /^(?:GENIE_MODEL|OLLAMA_HOST|[A-Z_]+_API_KEY)$/;

/**
 * Runs a genie in a container to its end, over any number of kills of the container, and prints what it printed. What leaves passes the host's
 * filter too: it lets out what `genie.json` and standing grants allow, and asks nobody, because the genie inside does.
 * Resolves to the exit code. Rejects with `GENIE_HOME_IN_USE` and the codes of `openStore`, `createDockerOrchestrator` and `runContainerJob`.
 */
export async function runInDocker(run: DockerRun): Promise<ExitCode> {
  const { context, found, image, program = ['genie'], folders = [] } = run;
  const [{ createDockerOrchestrator, prepareEgressFolder }, { runContainerJob }] = await Promise.all([
    import('@genie/adapters/docker'),
    import('@genie/adapters/orchestrator'),
  ]);
  const closers = createClosers();
  try {
    const file = readGenieFile(found.home);
    const settings = readSettings(found.home, file);
    const lease = takeForContainer(found.home);
    closers.add(() => lease.release());
    const folder = await mkdtemp(join(tmpdir(), 'genie-container-'));
    closers.add(() => rm(folder, { recursive: true, force: true }));
    const door = await prepareEgressFolder(folder);
    const choice = storeChoice(context);
    const store = await openStore({ home: found.home, file, ...choice });
    closers.add(() => store.close());
    closers.add(await openHostDoor({ run, file, settings, store, place: { folder, socket: door.socket } }));
    await door.share();
    const url = storeUrl(choice, settings.store);
    const relay = url === undefined ? undefined : await relayStore(url, door.folder);
    if (relay) closers.add(relay.close);
    const orchestrator = await createDockerOrchestrator({ image, owner: 'genie-run', user: await userOf(found.home) });
    const roots = localRoots((file.sources ?? []) as readonly Source[]);
    const commandOf = await createContainerCommand({
      home: found.home,
      flags: context.flags,
      store,
      storeInside: relay ? 'env:GENIE_STORE' : 'home',
    });
    const outcome = await runContainerJob({
      orchestrator,
      signal: context.signal,
      onCutOff: (_info, attempt) =>
        context.terminal.note(`The container was cut off. Attempt ${attempt + 2} goes on where it was.`),
      spec: async (attempt) => ({
        name: containerName(file.id, found.home),
        command: [...program, ...(await commandOf(attempt))],
        environment: {
          ...Object.fromEntries(
            Object.entries(context.environment).flatMap(([name, value]) =>
              value && keyNames.test(name) ? [[name, value]] : [],
            ),
          ),
          ...(relay ? { GENIE_STORE: relay.url } : {}),
        },
        egress: door.folder,
        mounts: [
          ...[...new Set([...roots, ...folders])].map((path) => ({ source: path, target: path })),
          { source: found.home, target: found.home, readOnly: false },
        ],
      }),
    });
    for (const text of outcome.stderr.split('\n').filter(Boolean)) context.terminal.note(text);
    // As it is: it may be JSON.
    context.terminal.stdout.write(outcome.stdout);
    // It is the same command line inside.
    return outcome.exitCode as ExitCode;
  } finally {
    await closers.close();
  }
}

interface HostDoor {
  readonly run: DockerRun;
  readonly file: GenieFile;
  readonly settings: GenieSettings;
  readonly store: Pick<GenieStore, 'approvals'>;
  readonly place: { readonly folder: string; readonly socket: string };
}

/** Opens the host's filter behind the socket. Returns what closes it. */
async function openHostDoor({ run, file, settings, store, place }: HostDoor): Promise<() => Promise<void>> {
  const { startProxy } = await import('@genie/egress');
  const { environment, flags } = run.context;
  const egress = openDoor({
    home: place.folder,
    file,
    settings,
    environment,
    models: chosenModels(modelsFrom(flags), file),
    approvals: store.approvals,
    events: () => undefined,
  });
  const proxy = await startProxy(egress.quiet, { socket: place.socket });
  return async () => {
    await proxy.close();
    await egress.close();
  };
}

/**
 * Readable, and one for each home: copies of a home have one id, and so may ids that differ in what names of containers do not take. At most 40 of
 * a-z, 0-9 and "-".
 */
export function containerName(id: string, home: string): string {
  const slug = id
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(-31)
    .replace(/^-|-$/g, '');
  return `${slug || 'genie'}-${createHash('sha256').update(resolve(home)).digest('hex').slice(0, 8)}`;
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

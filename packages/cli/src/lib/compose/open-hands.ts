import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ErrorRecord, GenieError, toErrorRecord } from '@genie/core/errors';
import type { HomeFolders } from '@genie/core/home';
import type { ContainmentPort, ObjectStore, Tool } from '@genie/core/ports';
import type { Plugin } from '@genie/tools';
import type { PluginSettings, ToolboxSettings } from './toolbox-settings.ts';

export interface OpenHandsOptions {
  readonly settings: { readonly toolbox: ToolboxSettings; readonly plugins: readonly PluginSettings[] };
  readonly folders: Pick<HomeFolders, 'root' | 'workspace' | 'artifacts'>;
  /** Folders of the sources: data files in them may be queried. */
  readonly roots: readonly string[];
  /** Opens a network for commands, whose only way out is the filter. Rejects where that cannot be. */
  readonly contain: () => Promise<ContainmentPort>;
  readonly onWarning?: (warning: ErrorRecord) => void;
}

/** What a genie acts with, beside reading its sources: commands, files, data, plugins. */
export interface Hands {
  readonly tools: readonly Tool[];
  /** Where results go that are too long for a model, and charts. */
  readonly artifacts: ObjectStore;
  close(): Promise<void>;
}

type Closer = () => Promise<void>;

/** Undefined for a genie that only reads, which then loads nothing of all this. Sandbox and network are opened by the first command. */
export async function openHands(options: OpenHandsOptions): Promise<Hands | undefined> {
  const { toolbox, plugins } = options.settings;
  if (!toolbox.shell && !toolbox.files && !toolbox.data && plugins.length === 0) return undefined;
  const [{ createLocalObjects }, made] = await Promise.all([
    import('@genie/adapters/local-objects'),
    import('@genie/tools'),
  ]);
  const { workspace } = options.folders;
  // Before the genie itself, which makes it when it is opened.
  mkdirSync(workspace, { recursive: true, mode: 0o700 });
  const artifacts = createLocalObjects({ dir: join(options.folders.artifacts, 'objects') });
  const closers: Closer[] = [() => artifacts.close()];
  const tools: Tool[] = [];
  if (toolbox.files) {
    const { maxFileMb, maxTotalMb } = toolbox.files === true ? {} : toolbox.files;
    tools.push(
      ...made.files({
        workspace,
        read: false,
        ...bytes('maxFileBytes', maxFileMb),
        ...bytes('maxTotalBytes', maxTotalMb),
      }),
    );
  }
  if (toolbox.data) {
    const { maxMemoryMb, maxRows } = toolbox.data === true ? {} : toolbox.data;
    const limits = { ...bytes('maxMemoryBytes', maxMemoryMb), ...(maxRows === undefined ? {} : { maxRows }) };
    tools.push(...made.data({ workspace, roots: options.roots, artifacts, ...limits }));
  }
  if (toolbox.shell) {
    const { tool, close } = openShell(options, toolbox.shell === true ? {} : toolbox.shell, made.shell);
    tools.push(tool);
    closers.push(close);
  }
  for (const plugin of await loadPlugins(options, made.loadPlugin, made.hashPlugin)) {
    tools.push(...plugin.tools);
    closers.push(() => plugin.close());
  }
  return {
    tools,
    artifacts,
    async close() {
      await Promise.all(closers.map((close) => close()));
    },
  };
}

type Tools = typeof import('@genie/tools');
type ShellSettings = Partial<Exclude<ToolboxSettings['shell'], boolean>>;

function openShell(
  options: OpenHandsOptions,
  settings: ShellSettings,
  shell: Tools['shell'],
): { tool: Tool; close: Closer } {
  let containment: ContainmentPort | undefined;
  const network = async (): Promise<ContainmentPort | undefined> => {
    try {
      containment = await options.contain();
    } catch (error) {
      warn(options, 'Commands of the shell have no network', error);
    }
    return containment;
  };
  const { approval, timeoutMs, maxMemoryMb, maxProcesses } = settings;
  const tool = shell({
    workspace: options.folders.workspace,
    ...(settings.network === false ? {} : { network }),
    ...(approval === undefined ? {} : { approval }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(maxProcesses === undefined ? {} : { maxProcesses }),
    ...bytes('maxMemoryBytes', maxMemoryMb),
  });
  return {
    tool,
    async close() {
      await tool[Symbol.asyncDispose]();
      await containment?.close();
    },
  };
}

/** The genie goes on without a plugin that cannot be loaded. */
async function loadPlugins(
  options: OpenHandsOptions,
  loadPlugin: Tools['loadPlugin'],
  hashPlugin: Tools['hashPlugin'],
): Promise<readonly Plugin[]> {
  const { folders, settings } = options;
  const loaded = settings.plugins.map(async (one) => {
    const folder = resolve(folders.root, one.folder);
    try {
      if (hashPlugin(installedAt(folders.root, one)) !== one.integrity) throw changed(one);
      const config = one.config === undefined ? {} : { config: one.config };
      return [await loadPlugin({ folder, permissions: one.permissions, workspace: folders.workspace, ...config })];
    } catch (error) {
      warn(options, `The genie goes on without the plugin ${one.id}`, error);
      return [];
    }
  });
  return (await Promise.all(loaded)).flat();
}

/** The folder that holds a plugin and what it depends on. */
export function installedAt(home: string, { id }: Pick<PluginSettings, 'id'>): string {
  return join(home, 'plugins', id);
}

function changed({ id }: PluginSettings): GenieError {
  return new GenieError(
    'GENIE_PLUGIN_NOT_APPROVED',
    `The files of the plugin "${id}" are not those that were approved: look at them, then remove it and add it again.`,
  );
}

function warn({ onWarning }: OpenHandsOptions, what: string, error: unknown): void {
  const record = toErrorRecord(error, 'GENIE_PLUGIN_FAILED');
  onWarning?.({ ...record, message: `${what}: ${record.message}` });
}

function bytes<Name extends string>(name: Name, megabytes: number | undefined): { readonly [Key in Name]?: number } {
  return (megabytes === undefined ? {} : { [name]: Math.round(megabytes * 1024 * 1024) }) as {
    readonly [Key in Name]?: number;
  };
}

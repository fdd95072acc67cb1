import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { JsonValue, Permission, Tool, ToolContext } from '@genie/core';
import { describeThrown, GenieError } from '@genie/core/errors';
import { covers } from '../toolbox/permissions.ts';
import { createPluginChannel, type PluginChannel } from './plugin-channel.ts';
import { checkConfig, jsonSchemaToZod, type PluginManifest, readManifest } from './plugin-manifest.ts';
import type { PluginIsolation } from './plugin-process.ts';

export interface LoadPluginOptions {
  /** Folder of the installed package. */
  readonly folder: string;
  /** What the user approved for it. */
  readonly permissions: readonly Permission[];
  readonly config?: JsonValue;
  /** The folder that `fs:` permissions are about. */
  readonly workspace?: string;
  /** Default 256. */
  readonly maxMemoryMb?: number;
  /** Use namespaces for the network wall where they are to be had. Default true. */
  readonly namespaces?: boolean;
}

export interface Plugin extends AsyncDisposable {
  readonly manifest: PluginManifest;
  readonly tools: readonly Tool[];
  readonly isolation: () => PluginIsolation | undefined;
  close(): Promise<void>;
}

/**
 * Loads a plugin into a process of its own, which gets no more than was approved, and gives its tools. The manifest is
 * the contract: what the plugin really offers has to be what it says. Errors by code: `GENIE_PLUGIN_MANIFEST`,
 * `GENIE_PLUGIN_CONFIG`, `GENIE_PLUGIN_NOT_APPROVED` (it wants more than the user allowed), `GENIE_PLUGIN_MISMATCH`
 * (it offers other tools than it says), `GENIE_PLUGIN_FAILED`, `GENIE_PLUGIN_CRASHED`.
 */
export async function loadPlugin(options: LoadPluginOptions): Promise<Plugin> {
  const folder = realpathSync(options.folder);
  const manifest = readManifest(folder);
  const missing = manifest.permissions.filter(
    (wanted) => !options.permissions.some((granted) => covers(granted, wanted)),
  );
  if (missing.length > 0) {
    throw new GenieError(
      'GENIE_PLUGIN_NOT_APPROVED',
      `The plugin "${manifest.id}" wants ${missing.join(', ')}, which was not approved: approve it, or do without the plugin.`,
      { details: { missing } },
    );
  }
  const config = checkConfig(manifest, options.config);
  const channel = createPluginChannel({
    id: manifest.id,
    process: {
      folder,
      // What the manifest asks for, not what the user would allow besides.
      permissions: manifest.permissions,
      workspace: options.workspace === undefined ? undefined : realpathSync(options.workspace),
      maxMemoryMb: options.maxMemoryMb ?? 256,
      namespaces: options.namespaces ?? true,
    },
    load: {
      type: 'load',
      entry: pathToFileURL(join(folder, manifest.entry)).href,
      config,
      allowedModules: manifest.permissions.includes('shell') ? ['child_process'] : [],
    },
  });
  try {
    expectSameTools(manifest, await channel.start());
  } catch (error) {
    await channel.close();
    throw error;
  }
  const close = () => channel.close();
  return {
    manifest,
    tools: manifest.tools.map((tool) => pluginTool(tool, channel)),
    isolation: channel.isolation,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function expectSameTools(manifest: PluginManifest, offered: readonly string[]): void {
  const said = manifest.tools.map((tool) => tool.name).sort();
  const real = [...offered].sort();
  if (JSON.stringify(said) !== JSON.stringify(real)) {
    throw new GenieError(
      'GENIE_PLUGIN_MISMATCH',
      `The plugin "${manifest.id}" says it has the tools ${said.join(', ')} but offers ${real.join(', ') || 'none'}: it is not loaded.`,
    );
  }
}

function pluginTool(declared: PluginManifest['tools'][number], channel: PluginChannel): Tool {
  const schema = jsonSchemaToZod(declared.input);
  return {
    name: declared.name,
    description: declared.description,
    input: schema as Tool['input'],
    inputJsonSchema: declared.input as Tool['inputJsonSchema'],
    effect: declared.effect,
    permissions: declared.permissions,
    timeoutMs: declared.timeoutMs,
    approval: 'never',
    run: (input: unknown, context: ToolContext) =>
      channel.call(declared.name, toPlainJson(input, declared.name), context),
  };
}

function toPlainJson(value: unknown, tool: string): JsonValue {
  try {
    return JSON.parse(JSON.stringify(value ?? null)) as JsonValue;
  } catch (error) {
    throw new GenieError('GENIE_PLUGIN_FAILED', `The arguments of "${tool}" are not JSON: ${describeThrown(error)}`, {
      cause: error,
    });
  }
}

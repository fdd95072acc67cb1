import { join } from 'node:path';
import type { JsonValue } from '@genie/core';
import { type ConformanceReport, runConformance } from '@genie/core/conformance';
import { openConfinedFolder } from '../confine/confined-folder.ts';
import { pluginConformance } from '../conformance/plugin-conformance.ts';
import { decodeText, readStart } from '../files/read-text.ts';
import { walkFiles } from '../files/walk-files.ts';
import { loadPlugin } from './load-plugin.ts';
import { type PluginManifest, readManifest } from './plugin-manifest.ts';
import { type CodeFinding, scanCode } from './scan-code.ts';

/** What is known of a plugin without running any of it. */
export interface PluginInspection {
  readonly manifest: PluginManifest;
  /** What a person should look at before approving. */
  readonly findings: readonly CodeFinding[];
}

export interface PluginCheck extends PluginInspection {
  /** The kit: whether it works as it says. */
  readonly report: ConformanceReport;
}

const maxSourceBytes = 2 * 1024 * 1024;

/** Reads the manifest and scans the code; nothing of the plugin runs. Throws `GENIE_PLUGIN_MANIFEST`. */
export async function inspectPlugin(
  folder: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<PluginInspection> {
  const manifest = readManifest(folder);
  return { manifest, findings: await scanFolder(folder, options.signal ?? new AbortController().signal) };
}

/**
 * Everything known of a plugin: its manifest, what its code could do, and whether it passes the kit. The kit runs it with
 * exactly the permissions it asks for, so look at {@link inspectPlugin} first. Throws `GENIE_PLUGIN_MANIFEST`.
 */
export async function checkPlugin(
  folder: string,
  options: { readonly config?: JsonValue; readonly workspace?: string; readonly signal?: AbortSignal } = {},
): Promise<PluginCheck> {
  const { manifest, findings } = await inspectPlugin(folder, options);
  const { config, workspace } = options;
  const load = () =>
    loadPlugin({
      folder,
      permissions: manifest.permissions,
      ...(config === undefined ? {} : { config }),
      ...(workspace === undefined ? {} : { workspace }),
    });
  const report = await runConformance(pluginConformance, async () => {
    const plugin = await load();
    return { setup: { plugin }, close: () => plugin.close() };
  });
  return { manifest, findings, report };
}

async function scanFolder(path: string, signal: AbortSignal): Promise<readonly CodeFinding[]> {
  const folder = openConfinedFolder(path, { refuseHardLinks: false });
  const findings: CodeFinding[] = [];
  try {
    for await (const file of walkFiles(folder, signal)) {
      const isCode = /\.(?:[cm]?[jt]sx?)$/.test(file.path);
      if (isCode) findings.push(...scanCode(file.path, decodeText(readStart(folder, file.path, maxSourceBytes))));
      else if (/\.(?:node|wasm|so|dll|dylib|exe)$/.test(file.path)) {
        findings.push({ path: file.path, line: 1, rule: 'native', why: 'is native code', text: join(path, file.path) });
      }
    }
  } finally {
    folder.close();
  }
  return findings;
}

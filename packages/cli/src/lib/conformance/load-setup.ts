import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ConformanceSetup } from '@genie/core/conformance';
import { describeThrown, GenieError } from '@genie/core/errors';
import { didYouMean } from '../cli/suggest.ts';
import { usageError } from '../cli/usage-error.ts';

/**
 * Loads the function that makes a fresh implementation for each case, from a file or an installed package. Throws
 * `GENIE_CLI_USAGE` (no such file, no such export) and `GENIE_CONFORMANCE_MODULE` (it does not load).
 */
export async function loadSetup(
  module: string,
  options: { readonly exportName: string; readonly workingFolder: string },
): Promise<() => Promise<ConformanceSetup<unknown>>> {
  const { exportName, workingFolder } = options;
  const exported = await loadModule(module, workingFolder);
  const create = exported[exportName];
  if (typeof create === 'function') return create as () => Promise<ConformanceSetup<unknown>>;
  const names = Object.keys(exported);
  throw usageError(
    `${module} exports no function "${exportName}".${didYouMean(exportName, names)} It exports: ${names.join(', ') || 'nothing'}.`,
  );
}

/** Loads a file or an installed package. Throws `GENIE_CLI_USAGE` (no such file) and `GENIE_CONFORMANCE_MODULE` (it does not load). */
export async function loadModule(module: string, workingFolder: string): Promise<Readonly<Record<string, unknown>>> {
  const isPath = /^(?:\.{0,2}[\\/]|[A-Za-z]:[\\/])/.test(module) || /\.[cm]?[jt]s$/.test(module);
  const path = resolve(workingFolder, module);
  if (isPath && !existsSync(path)) throw usageError(`The module ${path} does not exist.`);
  try {
    return (await import(isPath ? pathToFileURL(path).href : module)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new GenieError('GENIE_CONFORMANCE_MODULE', `The module ${module} does not load: ${describeThrown(error)}`, {
      cause: error,
    });
  }
}

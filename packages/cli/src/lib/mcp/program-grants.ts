import { accessSync, constants, existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, resolve, sep } from 'node:path';

export interface PreparedProgram {
  readonly command: readonly string[];
  /** What the program itself is made of, to be read inside the sandbox. */
  readonly read: readonly string[];
}

/** Where a sandbox has the host's programs anyway. */
const systemFolders = ['/usr/', '/bin/', '/sbin/', '/lib/', '/lib64/'];

/**
 * Makes a command line usable from another folder and inside a sandbox: finds the program, resolves links, starts a script of
 * Node with the Node of this process, and names the files that it consists of. Undefined for a program that is not found.
 */
export function prepareProgram(
  [program = '', ...args]: readonly string[],
  { workingFolder, path }: { readonly workingFolder: string; readonly path: string },
): PreparedProgram | undefined {
  const found = findProgram(program, workingFolder, path);
  if (found === undefined) return undefined;
  const files = [found, ...args].map((word) => fileOf(word, workingFolder) ?? word);
  const isScript = /\.[cm]?js$/.test(files[0] ?? '') || /^#!.*\bnode\b/.test(firstLine(files[0] ?? ''));
  const command = isScript ? [realpathSync(process.execPath), ...files] : files;
  const read = command.filter((word) => isAbsolute(word) && isFile(word)).flatMap(partsOf);
  return { command, read: [...new Set(read)] };
}

function findProgram(program: string, workingFolder: string, path: string): string | undefined {
  const places = program.includes(sep)
    ? [resolve(workingFolder, program)]
    : path.split(delimiter).map((folder) => join(folder || '.', program));
  const found = places.find((place) => isFile(place) && canRun(place));
  return found === undefined ? undefined : realpathSync(found);
}

/** The real path of an argument that names a file; everything else stays what it is. */
function fileOf(word: string, workingFolder: string): string | undefined {
  if (word.startsWith('-') || !word.includes(sep)) return undefined;
  const file = resolve(workingFolder, word);
  return isFile(file) ? realpathSync(file) : undefined;
}

/** A module needs those beside it; another file is enough by itself. */
function partsOf(file: string): readonly string[] {
  if (systemFolders.some((folder) => file.startsWith(folder))) return [];
  if (file === realpathSync(process.execPath)) return [file];
  const cut = file.indexOf(`${sep}node_modules${sep}`);
  if (cut >= 0) return [file.slice(0, cut + `${sep}node_modules`.length)];
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, 'package.json'))) return [folder];
  return [file];
}

function firstLine(file: string): string {
  try {
    return isFile(file) ? (readFileSync(file).subarray(0, 200).toString('latin1').split('\n')[0] ?? '') : '';
  } catch {
    return '';
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

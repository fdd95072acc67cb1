import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { ConfinedFolder } from '../confine/confined-folder.ts';
import { skippedFolders } from './walk-files.ts';

/** Files that may hold a text. */
export interface Candidates {
  /** Relative to the confined folder, in path order. */
  readonly paths: readonly string[];
  readonly filesSearched: number;
  readonly truncated: boolean;
}

const programs = ['/usr/bin/rg', '/usr/local/bin/rg', '/opt/homebrew/bin/rg'] as const;
const timeLimitMs = 30_000;
const maxOutputBytes = 16 * 1024 * 1024;

/**
 * Asks ripgrep which files hold a text. It only narrows down: it walks by names, where a race can lead it astray, so every file
 * it names is opened and searched again by the confined walk. Undefined when it is not installed, cannot start, or when the
 * text is not plain ASCII on one line, where it and the walk might disagree.
 */
export async function findCandidates(
  folder: ConfinedFolder,
  request: { readonly start: string; readonly text: string; readonly ignoreCase: boolean },
  signal: AbortSignal,
): Promise<Candidates | undefined> {
  const program = programs.find((path) => existsSync(path));
  if (program === undefined || folder.grade !== 'descriptors' || !/^[\x20-\x7e\t]+$/.test(request.text))
    return undefined;
  return folder.atFolder(request.start, (descriptor) => run(program, { ...request, descriptor, signal }));
}

interface Search {
  readonly descriptor: number;
  readonly start: string;
  readonly text: string;
  readonly ignoreCase: boolean;
  readonly signal: AbortSignal;
}

function run(program: string, search: Search): Promise<Candidates | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, searchArguments(search), {
      // The very folder that was opened, whatever its name shows by now.
      cwd: '/proc/self/fd/3',
      env: {},
      stdio: ['ignore', 'pipe', 'ignore', search.descriptor],
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    let isCut = false;
    const stop = () => {
      isCut = true;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(stop, timeLimitMs);
    search.signal.addEventListener('abort', stop, { once: true });
    child.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > maxOutputBytes) stop();
    });
    const settle = (found: Candidates | undefined) => {
      clearTimeout(timer);
      search.signal.removeEventListener('abort', stop);
      resolve(found);
    };
    child.once('error', () => settle(undefined));
    // 0: found, 1: nothing found, 2: an error, e.g. one file that may not be read.
    child.once('close', () => settle(read(Buffer.concat(chunks).toString('utf8'), search.start, isCut)));
  });
}

function searchArguments({ text, ignoreCase }: Search): string[] {
  return [
    ...['--no-config', '--no-ignore', '--hidden', '--no-messages', '--text', '--fixed-strings', '--stats', '--null'],
    ...[
      '--files-with-matches',
      '--one-file-system',
      '--color=never',
      ignoreCase ? '--ignore-case' : '--case-sensitive',
    ],
    ...[...skippedFolders].map((name) => `--glob=!**/${name}/`),
    ...['-e', text, '--', './'],
  ];
}

/** Paths end with NUL; the statistics follow the last one. */
function read(output: string, start: string, isCut: boolean): Candidates {
  const parts = output.split('\0');
  const statistics = parts.pop() ?? '';
  const prefix = start === '' || start.endsWith('/') ? start : `${start}/`;
  const paths = parts.map((path) => `${prefix}${path.replace(/^\n?\.\//, '')}`).sort();
  return {
    paths,
    filesSearched: Number(/(\d+) files searched/.exec(statistics)?.[1] ?? paths.length),
    truncated: isCut,
  };
}

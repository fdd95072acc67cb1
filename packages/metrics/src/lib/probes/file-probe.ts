import { createReadStream } from 'node:fs';
import { glob, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import vm from 'node:vm';
import { z } from 'zod';
import { sha256 } from '../evidence.ts';
import { defineProbe, noData, type ProbeContext, type ProbeResult } from './probe.ts';
import { toNumber, tryParseJson, valueAtPath } from './run-field-probe.ts';

const maxReadBytes = 8 * 1024 * 1024;
const patternTimeMs = 250;

const schema = z.strictObject({
  /** A path, or with `check: 'count'` a glob. Relative paths start in the first allowed folder. */
  path: z.string().min(1).max(1024),
  check: z.enum(['exists', 'matches', 'count', 'size', 'age', 'field']).default('exists'),
  /** Regular expression for `matches`. */
  pattern: z.string().max(500).refine(isPattern, 'is no regular expression').optional(),
  /** Dotted path into a JSON file for `field`. */
  field: z.string().optional(),
});

/**
 * A file: `exists` (also a folder) and `matches` (yes/no), `count` (files of a glob), `size` (bytes), `age` (ms since the last change), `field` (a number
 * in a JSON file). Only folders the composition root allows; a link that leads out of them is refused.
 */
export const fileProbe = defineProbe('file', schema, async (options, context) => {
  if (context.roots.length === 0)
    return noData('failed', `file:${options.path}`, 'no folder is allowed for file probes');
  if (options.check === 'count') return countFiles(options.path, context);
  const file = await confine(options.path, context.roots);
  const source = `file:${file.path}`;
  if (!file.exists) {
    if (options.check === 'exists') return { value: 0, grade: 'measured', source, evidence: { exists: false } };
    return noData('failed', source, 'the file does not exist');
  }
  const found = await stat(file.path);
  if (!found.isFile()) {
    // Reading a pipe or a device would wait for ever, in a thread that all files of the process share.
    if (options.check === 'exists' && found.isDirectory())
      return { value: 1, grade: 'measured', source, evidence: { path: file.path, folder: true } };
    return noData('failed', source, found.isDirectory() ? 'it is a folder, not a file' : 'it is no regular file');
  }
  const { size, mtimeMs } = found;
  const facts = {
    path: file.path,
    sizeBytes: size,
    changedAt: Math.round(mtimeMs),
    sha256: await hashFile(file.path, context.signal),
  };
  const measured = (value: number): ProbeResult => ({ value, grade: 'measured', source, evidence: facts });
  if (options.check === 'exists') return measured(1);
  if (options.check === 'size') return measured(size);
  if (options.check === 'age') return measured(Math.max(0, context.now - mtimeMs));
  if (size > maxReadBytes)
    return noData('failed', source, `the file has ${size} bytes, more than ${maxReadBytes} are not read`);
  const text = await readFile(file.path, { encoding: 'utf8', signal: context.signal });
  if (options.check === 'matches') return measured(matches(options.pattern ?? '', text) ? 1 : 0);
  const value = toNumber(valueAtPath(tryParseJson(text), options.field ?? ''));
  return value === undefined
    ? noData('failed', source, `the file has no number at "${options.field ?? ''}"`)
    : measured(value);
});

/** Resolves a path inside the allowed folders. Throws a plain error for one that leads out, also through links. */
export async function confine(
  file: string,
  roots: readonly string[],
): Promise<{ readonly path: string; readonly exists: boolean }> {
  const wanted = path.resolve(roots[0] ?? '.', file);
  const real = await realpath(wanted).catch(() => undefined);
  const place = real ?? path.join(await nearestReal(path.dirname(wanted)), path.basename(wanted));
  if (roots.some((root) => isInside(place, root))) return { path: place, exists: real !== undefined };
  throw new Error(`${file} is outside the allowed folders (${roots.join(', ')})`);
}

async function nearestReal(folder: string): Promise<string> {
  const real = await realpath(folder).catch(() => undefined);
  if (real !== undefined) return real;
  const parent = path.dirname(folder);
  return parent === folder ? folder : path.join(await nearestReal(parent), path.basename(folder));
}

function isInside(place: string, root: string): boolean {
  const relative = path.relative(root, place);
  return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

async function countFiles(pattern: string, context: ProbeContext): Promise<ProbeResult> {
  const root = context.roots[0] as string;
  if (path.isAbsolute(pattern) || pattern.split(/[\\/]/).includes('..')) {
    throw new Error(`the glob ${pattern} must be relative and stay in ${root}`);
  }
  const names: string[] = [];
  const inside = new Set<string>();
  for await (const entry of glob(pattern, { cwd: root, withFileTypes: true })) {
    context.signal.throwIfAborted();
    // Braces and brackets can spell "..", and a link can be named outright: what counts is where the files really are.
    if (!inside.has(entry.parentPath)) {
      const place = await realpath(entry.parentPath);
      if (!context.roots.some((one) => isInside(place, one)))
        throw new Error(`the glob ${pattern} leads out of the allowed folders (${context.roots.join(', ')})`);
      inside.add(entry.parentPath);
    }
    if (entry.isFile()) names.push(path.relative(root, path.join(entry.parentPath, entry.name)));
    if (names.length > 100_000) throw new Error(`the glob ${pattern} matches more than 100,000 files`);
  }
  const evidence = { count: names.length, sha256: sha256(names.sort().join('\n')), first: names.slice(0, 50) };
  return { value: names.length, grade: 'measured', source: `file:${path.join(root, pattern)}`, evidence };
}

/** A regular expression may take exponential time; the engine's own watchdog ends it. */
function matches(pattern: string, text: string): boolean {
  try {
    return (
      vm.runInNewContext('new RegExp(pattern, "mu").test(text)', { pattern, text }, { timeout: patternTimeMs }) === true
    );
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new Error(`the pattern /${pattern}/ took longer than ${patternTimeMs} ms; make it simpler`);
  }
}

function isPattern(pattern: string): boolean {
  try {
    new RegExp(pattern, 'mu');
    return true;
  } catch {
    return false;
  }
}

async function hashFile(file: string, signal: AbortSignal): Promise<string> {
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { signal })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

import { lstatSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { GenieError } from '@genie/core/errors';
import { readTextIfAny, writeFileAtomic } from '../store/atomic-file.ts';
import type { FileEdit } from './experiment.ts';

/** One file of an adoption, with its content before and after (base64; null: no file). */
interface FileChange {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly mode: number;
}

interface Adoption {
  readonly v: 1;
  readonly state: 'adopting' | 'adopted' | 'undoing' | 'undone';
  readonly folder: string;
  readonly files: readonly FileChange[];
}

/** Throws `GENIE_EXPERIMENT_CHANGE` for a path that leads out of the folder, directly or through a link. */
export function checkEdits(folder: string, edits: readonly FileEdit[]): void {
  const root = realpathSync(folder);
  for (const edit of edits) {
    const parts = edit.path.split(/[\\/]/);
    const escapes =
      edit.path === '' || path.isAbsolute(edit.path) || parts.includes('..') || path.win32.isAbsolute(edit.path);
    if (escapes || !staysInside(root, edit.path)) {
      const message = `The edit of ${JSON.stringify(edit.path)} leads out of ${folder}. Use a relative path inside the folder.`;
      throw new GenieError('GENIE_EXPERIMENT_CHANGE', message, { details: { path: edit.path } });
    }
  }
}

/** Writes edits without a journal, for a copy that can be thrown away. */
export function applyEdits(folder: string, edits: readonly FileEdit[]): void {
  checkEdits(folder, edits);
  for (const { path: name, content } of edits)
    writeOne(folder, name, content === null ? null : Buffer.from(content), modeOf(folder, name));
}

/**
 * Edits of several files as one step: the plan with all old and new contents is written first, then the files, each atomically, then
 * the plan is closed. A crash in between is finished by {@link recoverAdoption}, so no edit stays half applied.
 */
export function adoptEdits(planFile: string, folder: string, edits: readonly FileEdit[]): void {
  checkEdits(folder, edits);
  const files = edits.map(({ path: name, content }) => ({
    path: name,
    before: readBase64(path.join(folder, name)),
    after: content === null ? null : Buffer.from(content).toString('base64'),
    mode: modeOf(folder, name),
  }));
  const plan: Adoption = { v: 1, state: 'adopting', folder: path.resolve(folder), files };
  savePlan(planFile, plan);
  finishAdoption(planFile, plan);
}

/** Takes adopted edits back, exactly. A file that someone changed since is left alone and named. */
export function undoEdits(planFile: string): readonly string[] {
  const plan = loadPlan(planFile);
  if (plan === undefined || plan.state === 'undone') return [];
  savePlan(planFile, { ...plan, state: 'undoing' });
  return finishUndo(planFile, plan);
}

/** Finishes what a crash cut short, and tells where the edits are now; undefined when they were never adopted. */
export function recoverAdoption(planFile: string): 'adopted' | 'undone' | undefined {
  const plan = loadPlan(planFile);
  if (plan === undefined) return undefined;
  if (plan.state === 'adopting') finishAdoption(planFile, plan);
  if (plan.state === 'undoing') finishUndo(planFile, plan);
  return plan.state === 'adopting' || plan.state === 'adopted' ? 'adopted' : 'undone';
}

function finishAdoption(planFile: string, plan: Adoption): void {
  for (const file of plan.files) writeOne(plan.folder, file.path, fromBase64(file.after), file.mode);
  savePlan(planFile, { ...plan, state: 'adopted' });
}

function finishUndo(planFile: string, plan: Adoption): readonly string[] {
  const kept: string[] = [];
  for (const file of plan.files) {
    const now = readBase64(path.join(plan.folder, file.path));
    if (now === file.after) writeOne(plan.folder, file.path, fromBase64(file.before), file.mode);
    else if (now !== file.before) kept.push(file.path);
  }
  savePlan(planFile, { ...plan, state: 'undone' });
  return kept;
}

function writeOne(folder: string, name: string, content: Buffer | null, mode: number): void {
  const file = path.join(folder, name);
  if (content === null) {
    rmSync(file, { force: true });
    return;
  }
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileAtomic(file, content, mode);
}

function modeOf(folder: string, name: string): number {
  const facts = statSync(path.join(folder, name), { throwIfNoEntry: false });
  return facts === undefined ? 0o644 : facts.mode & 0o777;
}

/** The nearest existing ancestor decides: nothing below a link that leads out is inside. */
function staysInside(root: string, name: string): boolean {
  let place = path.join(root, name);
  while (lstatSync(place, { throwIfNoEntry: false }) === undefined) place = path.dirname(place);
  const relative = path.relative(root, realpathSync(place));
  return relative === '' || (!relative.startsWith('..') && !path.isAbsolute(relative));
}

function readBase64(file: string): string | null {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(file).toString('base64') : null;
}

function fromBase64(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'base64');
}

function savePlan(file: string, plan: Adoption): void {
  writeFileAtomic(file, JSON.stringify(plan));
}

function loadPlan(file: string): Adoption | undefined {
  const text = readTextIfAny(file);
  return text === undefined ? undefined : (JSON.parse(text) as Adoption);
}

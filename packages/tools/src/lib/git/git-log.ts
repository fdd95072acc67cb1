import { defineTool, GenieError, type Tool } from '@genie/core';
import { z } from 'zod';
import { clip } from '../clip.ts';
import type { Roots } from '../confine/roots.ts';
import { type SourceItem, type SourceOutput, sourceOutput } from '../sources/source-output.ts';
import { type ChangedFile, type Commit, logFormat, parseLog } from './parse-log.ts';
import { readRepository } from './read-repository.ts';
import { type GitOptions, runGit } from './run-git.ts';

const input = z.object({
  repository: z.string().describe('Folder of the repository'),
  since: z.string().optional().describe('Cursor of an earlier call: only commits after it'),
  limit: z.number().int().min(1).max(500).default(50),
});

/**
 * The tool `git_log`: commits of a repository, newest first, each with its message and what it changed.
 * Errors by code: `GENIE_PATH_OUTSIDE`, `GENIE_NOT_A_REPOSITORY`, `GENIE_GIT_EMPTY` (no commit yet), `GENIE_GIT_CURSOR`
 * (not a commit hash), `GENIE_GIT_FAILED`, `GENIE_GIT_MISSING`.
 */
export function gitLog(roots: Roots, options: GitOptions = {}): Tool {
  return defineTool({
    name: 'git_log',
    description:
      'Reads the commits of a git repository, newest first, with message and changed files. Give "since" to get only new ones.',
    input,
    output: sourceOutput,
    effect: 'read',
    permissions: ['fs:read'],
    timeoutMs: 60_000,
    run: (request, context) => readLog(request, { roots, options, signal: context.signal }),
  }) as Tool;
}

interface Deps {
  readonly roots: Roots;
  readonly options: GitOptions;
  readonly signal: AbortSignal;
}

async function readLog(request: z.infer<typeof input>, deps: Deps): Promise<SourceOutput> {
  const { roots, options, signal } = deps;
  const place = roots.resolve(request.repository);
  const repository = await readRepository(place.path, signal, { ...options, isAllowed: (path) => roots.allows(path) });
  if (repository.head === undefined) {
    throw new GenieError(
      'GENIE_GIT_EMPTY',
      `The repository ${request.repository} has no commit yet: commit something first.`,
    );
  }
  const range = await chooseRange(repository.path, request.since, deps);
  const revision = range.since === undefined ? repository.head : `${range.since}..${repository.head}`;
  const result = await runGit(repository.path, logCommand(revision, request.limit + 1), signal, options);
  if (result.exitCode !== 0 && !result.truncated) {
    throw new GenieError(
      'GENIE_GIT_FAILED',
      `git log failed in ${request.repository}: ${result.stderr || `exit code ${result.exitCode}`}.`,
    );
  }
  const commits = parseLog(result.stdout);
  return {
    source: { kind: 'git', location: request.repository },
    cursor: repository.head,
    items: commits.slice(0, request.limit).map((commit) => commitToItem(commit, request.repository)),
    ...(commits.length > request.limit || result.truncated ? { truncated: true } : {}),
    ...(range.note === undefined ? {} : { note: range.note }),
  };
}

function logCommand(revision: string, count: number): string[] {
  const safe = [
    '--no-ext-diff',
    '--no-textconv',
    '--no-show-signature',
    '--no-color',
    '--no-mailmap',
    '--encoding=UTF-8',
    '--submodule=short',
    '--no-relative',
  ];
  return [
    'log',
    '-z',
    '--numstat',
    '-M',
    `--format=${logFormat}`,
    ...safe,
    `--max-count=${count}`,
    '--end-of-options',
    revision,
    '--',
  ];
}

/** A cursor that history no longer contains (a rebase, a forced push, another repository) gives the newest commits instead. */
async function chooseRange(
  repository: string,
  since: string | undefined,
  deps: Deps,
): Promise<{ since?: string; note?: string }> {
  if (since === undefined || since === '') return {};
  if (!/^[0-9a-f]{7,64}$/.test(since)) {
    throw new GenieError(
      'GENIE_GIT_CURSOR',
      `The cursor ${JSON.stringify(clip(since, 80))} is not a commit hash: pass the "cursor" of an earlier result, or leave "since" out.`,
    );
  }
  const check = await runGit(repository, ['merge-base', '--is-ancestor', since, 'HEAD'], deps.signal, deps.options);
  if (check.exitCode === 0) return { since };
  const reason = check.exitCode === 1 ? 'is no longer part of the history of HEAD' : 'is unknown in this repository';
  return { note: `The cursor ${since.slice(0, 12)} ${reason}, so these are simply the newest commits.` };
}

function commitToItem(commit: Commit, repository: string): SourceItem {
  const parts = [clip(commit.body, 4000), describeFiles(commit.files)].filter((part) => part !== '');
  return {
    id: commit.sha,
    title: clip(commit.subject, 300),
    text: parts.join('\n\n'),
    date: commit.date,
    location: `${repository}@${commit.shortSha}`,
    author: commit.author,
  };
}

const shownFiles = 40;

function describeFiles(files: readonly ChangedFile[]): string {
  const lines = files.slice(0, shownFiles).map((file) => {
    const name = file.previousPath === undefined ? file.path : `${file.previousPath} -> ${file.path}`;
    const counts = file.added === undefined ? 'binary' : `+${file.added} -${file.deleted ?? 0}`;
    return `${clip(name, 300)} (${counts})`;
  });
  if (files.length > shownFiles) lines.push(`and ${files.length - shownFiles} more files`);
  return lines.join('\n');
}

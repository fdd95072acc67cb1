/** One commit as `git log -z --numstat` with {@link logFormat} prints it. */
export interface Commit {
  readonly sha: string;
  readonly shortSha: string;
  readonly author: string;
  /** ISO 8601 with the author's offset. */
  readonly date: string;
  readonly subject: string;
  readonly body: string;
  readonly files: readonly ChangedFile[];
}

export interface ChangedFile {
  readonly path: string;
  readonly previousPath?: string;
  /** Undefined for binary files. */
  readonly added?: number;
  readonly deleted?: number;
}

/** Fields are separated by NUL, the only byte that neither a message nor a path can hold. */
export const logFormat = 'tformat:%H%x00%h%x00%an%x00%aI%x00%s%x00%b';

const fieldCount = 6;
const numstat = /^\n?(\d+|-)\t(\d+|-)\t([\s\S]*)$/;

/**
 * Reads the output of `git log -z --numstat --format=<logFormat>`. A commit starts with its full hash, which no line of
 * file counts can look like, so the stream needs no further marks. An incomplete last commit is dropped.
 */
export function parseLog(output: string): Commit[] {
  const tokens = output.split('\0');
  const commits: Commit[] = [];
  let index = 0;
  while (index < tokens.length) {
    const sha = tokens[index] ?? '';
    if (!/^\n?(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(sha) || index + fieldCount > tokens.length) {
      index += 1;
      continue;
    }
    const [shortSha = '', author = '', date = '', subject = '', body = ''] = tokens.slice(
      index + 1,
      index + fieldCount,
    );
    const files = readFiles(tokens, index + fieldCount);
    commits.push({ sha: sha.trim(), shortSha, author, date, subject, body: body.trim(), files: files.files });
    index = files.next;
  }
  return commits;
}

function readFiles(tokens: readonly string[], start: number): { files: ChangedFile[]; next: number } {
  const files: ChangedFile[] = [];
  let index = start;
  for (;;) {
    const match = numstat.exec(tokens[index] ?? '');
    if (!match) return { files, next: index };
    const [, added = '-', deleted = '-', path = ''] = match;
    const counts = {
      ...(added === '-' ? {} : { added: Number(added) }),
      ...(deleted === '-' ? {} : { deleted: Number(deleted) }),
    };
    if (path !== '') {
      files.push({ path, ...counts });
      index += 1;
    } else {
      // A rename leaves the path empty and puts the old and the new one into tokens of their own.
      files.push({ path: tokens[index + 2] ?? '', previousPath: tokens[index + 1] ?? '', ...counts });
      index += 3;
    }
  }
}

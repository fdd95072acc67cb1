// Every error code in the sources has a heading in docs/error-codes.md, and every heading a code: users look up what they are shown.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface ErrorCodeReport {
  readonly codes: number;
  readonly problems: readonly string[];
}

const page = 'docs/error-codes.md';

export function checkErrorCodes(root: string): ErrorCodeReport {
  const used = usedCodes(root);
  const documented = new Set(
    [...readFileSync(path.join(root, page), 'utf8').matchAll(/^### `(GENIE_[A-Z0-9_]+)`$/gm)].map(([, code]) => code),
  );
  const problems: string[] = [];
  for (const [code, file] of used) {
    if (!documented.has(code))
      problems.push(
        `${file}: ${code} has no heading in ${page}: add "### \`${code}\`" with what happened and what to do`,
      );
  }
  for (const code of documented) {
    if (code !== undefined && !used.has(code)) problems.push(`${page}: ${code} is thrown nowhere: remove its heading`);
  }
  return { codes: used.size, problems };
}

/** Each code with the first file that names it. Environment variables have the same prefix; they are never quoted with single quotes in a throw. */
function usedCodes(root: string): ReadonlyMap<string, string> {
  const used = new Map<string, string>();
  const files = globSync('packages/*/src/**/*.ts', { cwd: root })
    .filter((file) => !/\.(test|bench|soak)\.ts$/.test(file))
    .sort();
  for (const file of files) {
    const text = readFileSync(path.join(root, file), 'utf8');
    for (const [, code = ''] of text.matchAll(/['"`](GENIE_[A-Z0-9_]+)['"`]/g))
      if (!used.has(code) && !notErrors.has(code)) used.set(code, file);
  }
  return used;
}

/** Names of environment variables and beginnings of codes, not errors. */
const notErrors: ReadonlySet<string> = new Set(['GENIE_HOME', 'GENIE_DEBUG', 'GENIE_JOURNAL', 'GENIE_RUN']);

if (import.meta.main) {
  const { codes, problems } = checkErrorCodes(path.dirname(import.meta.dirname));
  for (const problem of problems) console.error(problem);
  console.log(`error codes: ${codes} in the sources, ${problems.length} problems`);
  if (problems.length > 0 || codes === 0) process.exitCode = 1;
}

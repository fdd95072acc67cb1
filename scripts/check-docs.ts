// Runs the code blocks of README.md and docs/, so that no example can rot. docs/contributing.md tells what a block may be.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type DocsReport, runBlocks } from './docs-runner.ts';
import { type MarkdownBlock, markdownBlocks } from './markdown-blocks.ts';

const root = path.dirname(import.meta.dirname);

/** Checks the Markdown files of a repository that explain something to a reader. */
export async function checkDocs(): Promise<DocsReport> {
  const files = globSync(['*.md', 'docs/**/*.md', 'packages/*/README.md', 'examples/*/README.md'], { cwd: root });
  const blocks = files
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !file.startsWith('docs/api/') && !file.includes('/node_modules/'))
    .sort()
    .flatMap((file): MarkdownBlock[] => markdownBlocks(file, readFileSync(path.join(root, file), 'utf8')));
  return runBlocks(blocks, root);
}

if (import.meta.main) {
  const { ran, typeChecked, parsed, failures } = await checkDocs();
  for (const failure of failures) console.error(`${failure}\n`);
  console.log(
    `docs: ${ran} blocks ran, ${typeChecked} were type-checked, ${parsed} parsed, ${failures.length} failures`,
  );
  process.exitCode = failures.length === 0 ? 0 : 1;
}

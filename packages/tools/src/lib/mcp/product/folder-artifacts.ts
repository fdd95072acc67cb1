import { open, readdir, realpath, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import type { Artifacts } from './genie-documents.ts';

const textTypes: Readonly<Record<string, string>> = {
  '.md': 'text/markdown',
  '.txt': 'text/plain',
  '.csv': 'text/csv',
  '.json': 'application/json',
  '.html': 'text/html',
  '.svg': 'image/svg+xml',
};
const otherTypes: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.pdf': 'application/pdf',
};

const maxListed = 500;
const maxBytes = 2 * 1024 * 1024;

/**
 * The files below a folder, e.g. `artifacts/` of a home: newest first, at most 500. Links that
 * lead out of the folder are not followed; of a large file the first 2 MiB are read.
 */
export function folderArtifacts({ dir }: { readonly dir: string }): Artifacts {
  return {
    async list() {
      const names = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
      const files = await Promise.all(
        names
          .filter((entry) => entry.isFile())
          .map(async (entry) => {
            const path = join(entry.parentPath, entry.name);
            const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }));
            return { key: path.slice(dir.length + 1).replaceAll(sep, '/'), mtimeMs };
          }),
      );
      return files
        .sort((a, b) => b.mtimeMs - a.mtimeMs)
        .slice(0, maxListed)
        .map(({ key }) => key);
    },
    async read(key) {
      const [root, path] = await Promise.all([realpath(dir), realpath(join(dir, key))]).catch(() => []);
      if (root === undefined || path === undefined || !path.startsWith(root + sep)) return undefined;
      const bytes = await readStart(path);
      const extension = extname(path).toLowerCase();
      const mimeType = textTypes[extension];
      if (mimeType !== undefined) return { mimeType, text: bytes.toString('utf8') };
      return { mimeType: otherTypes[extension] ?? 'application/octet-stream', base64: bytes.toString('base64') };
    },
  };
}

async function readStart(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(size, maxBytes));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

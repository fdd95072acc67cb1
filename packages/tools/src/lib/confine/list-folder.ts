import { lstatSync, opendirSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FolderHandle } from './folder-walk.ts';

export interface FolderEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly sizeBytes: number;
  /** Epoch ms: when the content was written, by the file's own word. */
  readonly modifiedAt: number;
  /** Epoch ms: when content, name or mode last changed. Unlike `modifiedAt` it cannot be set back. */
  readonly changedAt: number;
}

export interface FolderListing {
  readonly entries: readonly FolderEntry[];
  /** True when the folder holds more than were read. */
  readonly truncated: boolean;
}

/** Reads at most `maxEntries` entries of an open folder. Entries that vanish meanwhile are left out. */
export function listFolder(folder: FolderHandle, maxEntries: number): FolderListing {
  const reading = readInPieces(folder, maxEntries);
  for (let step = reading.next(); ; step = reading.next()) if (step.done) return step.value;
}

/** The same, with turns for other work in between: a folder may hold a million files. */
export async function listFolderInTurns(folder: FolderHandle, maxEntries: number): Promise<FolderListing> {
  const reading = readInPieces(folder, maxEntries);
  for (let step = reading.next(); ; step = reading.next()) {
    if (step.done) return step.value;
    await nextTurn();
  }
}

const pieceEntries = 1_000;

/** Yields after each piece; returns everything. */
function* readInPieces(folder: FolderHandle, maxEntries: number): Generator<void, FolderListing> {
  const entries: FolderEntry[] = [];
  const directory = opendirSync(folder.path, { bufferSize: 256 });
  try {
    for (let found = directory.readSync(); found !== null; found = directory.readSync()) {
      if (entries.length >= maxEntries) return { entries: inOrder(entries), truncated: true };
      const entry = readEntry(folder, found.name);
      if (entry) entries.push(entry);
      if (entries.length % pieceEntries === 0) yield;
    }
  } finally {
    directory.closeSync();
  }
  return { entries: inOrder(entries), truncated: false };
}

function readEntry(folder: FolderHandle, name: string): FolderEntry | undefined {
  const stats = lstatSync(folder.child(name), { throwIfNoEntry: false });
  if (!stats) return undefined;
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'other';
  return { name, kind, sizeBytes: stats.size, modifiedAt: stats.mtimeMs, changedAt: stats.ctimeMs };
}

function inOrder(entries: FolderEntry[]): FolderEntry[] {
  return entries.sort((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0));
}

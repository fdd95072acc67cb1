import * as fs from 'node:fs';

/** The few calls the journal makes. Injected so that full disks and failing syncs can be tested. */
export interface FileSystem {
  openSync(path: string, flags: string, mode: number): number;
  writeSync(descriptor: number, bytes: Uint8Array, offset: number, length: number, position: number): number;
  ftruncateSync(descriptor: number, size: number): void;
  closeSync(descriptor: number): void;
  fdatasync(descriptor: number): Promise<void>;
  /** Makes a new or renamed entry of a folder durable. A no-op where folders cannot be synced (Windows). */
  syncDirectory(path: string): Promise<void>;
}

export const nodeFileSystem: FileSystem = {
  openSync: fs.openSync,
  writeSync: (descriptor, bytes, offset, length, position) => fs.writeSync(descriptor, bytes, offset, length, position),
  ftruncateSync: fs.ftruncateSync,
  closeSync: fs.closeSync,
  fdatasync: (descriptor) =>
    new Promise((resolve, reject) => fs.fdatasync(descriptor, (error) => (error ? reject(error) : resolve()))),
  async syncDirectory(path) {
    if (process.platform === 'win32') return;
    const handle = await fs.promises.open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

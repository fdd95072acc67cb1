import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { canonicalJson, type JsonValue } from '@genie/core/ports';
import { readTextIfAny, writeFileAtomic } from './store/atomic-file.ts';

/** Keeps what a probe saw, addressed by its SHA-256, so that a value can be checked later. */
export interface EvidenceStore {
  /** Returns the hash and where the evidence is kept; without a folder only the hash. */
  keep(evidence: JsonValue): { readonly hash: string; readonly location?: string };
  /** The hash alone, for evidence that is kept elsewhere. */
  hash(evidence: JsonValue): string;
  /** The evidence of a hash; undefined when it is not kept or does not match its hash any more. */
  read(hash: string): JsonValue | undefined;
  /** Removes evidence that was last seen before that time (epoch ms). */
  sweep(before: number): void;
}

/** Evidence larger than this is hashed but not kept. */
const maxKeptBytes = 65_536;

export function createEvidenceStore(dir: string | undefined): EvidenceStore {
  return {
    keep(evidence) {
      const text = canonicalJson(evidence);
      const hash = sha256(text);
      if (dir === undefined || Buffer.byteLength(text) > maxKeptBytes) return { hash };
      const location = `evidence/${hash}.json`;
      const file = path.join(dir, location);
      if (existsSync(file)) {
        const now = new Date();
        utimesSync(file, now, now);
      } else {
        mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
        writeFileAtomic(file, text);
      }
      return { hash, location };
    },
    sweep(before) {
      const folder = dir === undefined ? undefined : path.join(dir, 'evidence');
      if (folder === undefined || !existsSync(folder)) return;
      for (const name of readdirSync(folder)) {
        const file = path.join(folder, name);
        if (/^[0-9a-f]{64}\.json$/.test(name) && statSync(file).mtimeMs < before) rmSync(file, { force: true });
      }
    },
    hash: (evidence) => sha256(canonicalJson(evidence)),
    read(hash) {
      if (dir === undefined || !/^[0-9a-f]{64}$/.test(hash)) return undefined;
      const text = readTextIfAny(path.join(dir, 'evidence', `${hash}.json`));
      return text === undefined || sha256(text) !== hash ? undefined : (JSON.parse(text) as JsonValue);
    },
  };
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

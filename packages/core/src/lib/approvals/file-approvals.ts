import { resolve } from 'node:path';
import { GenieError } from '../genie-error.ts';
import { type Clock, systemClock } from '../ports/clock.ts';
import { createIds, type Ids } from '../ports/ids.ts';
import type { ApprovalWarning } from './approval-store.ts';
import type { Approvals } from './approvals.ts';
import { type ApprovalFileSystem, nodeFileSystem } from './atomic-file.ts';
import { createApprovals } from './create-approvals.ts';
import { createFileStore } from './file-store.ts';

export interface OpenApprovalsOptions {
  /** The folder of the rows; made when missing. Several processes may open one folder. */
  readonly dir: string;
  readonly clock?: Clock;
  readonly ids?: Ids;
  /** For tests that break the disk. */
  readonly fileSystem?: ApprovalFileSystem;
  /** Told about files that are skipped (`GENIE_APPROVAL_CORRUPT`) and folders that cannot be watched (`GENIE_APPROVAL_WATCH`). */
  readonly onWarning?: (warning: ApprovalWarning) => void;
}

/**
 * Approvals as files of a folder, durable when a call resolves (file and folder are synced), safe for several processes
 * without locks: every change is the creation of a file, and only one process can create it. Payloads are stored as they
 * are given, readable by the owner of the folder only; keep secrets out of them.
 *
 * Throws `GENIE_APPROVAL_INPUT` for a missing folder name. Nothing is touched before the first call.
 */
export function openApprovals(options: OpenApprovalsOptions): Approvals {
  const { dir, clock = systemClock, fileSystem = nodeFileSystem, onWarning = () => undefined } = options;
  if (typeof dir !== 'string' || dir === '') {
    throw new GenieError('GENIE_APPROVAL_INPUT', `openApprovals: dir is ${String(dir)}; pass the path of a folder.`);
  }
  const ids = options.ids ?? createIds(clock);
  return createApprovals({ store: createFileStore({ dir: resolve(dir), fileSystem, onWarning, clock }), clock, ids });
}

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describeThrown, GenieError } from '../genie-error.ts';
import type { Clock } from '../ports/clock.ts';
import { parseRow, parseSettlement, RecordProblem, settlementToText } from './approval-records.ts';
import { dropOldRows } from './approval-retention.ts';
import type { ApprovalRow, ApprovalStore, ApprovalWarning, Settlement, StoredApproval } from './approval-store.ts';
import {
  type ApprovalFileSystem,
  codeOf,
  createAtomically,
  linkUnlessTaken,
  readIfThere,
  syncFolder,
  writeDurably,
} from './atomic-file.ts';
import { createGrantFiles } from './grant-files.ts';

export interface FileStoreDeps {
  readonly dir: string;
  readonly fileSystem: ApprovalFileSystem;
  readonly onWarning: (warning: ApprovalWarning) => void;
  readonly clock: Pick<Clock, 'now'>;
}

const abandonedAfterMs = 60 * 60 * 1000;
const maxCachedRows = 5_000;
const pollWithoutWatchMs = 250;

/**
 * Rows as files. `<id>.json` is the request, `<id>.decision.json` what became of it, `<id>.used` says that the action
 * happened. `by-action/` holds a second name of each request, made of its action, run and a number: whoever creates
 * that name first has asked, so two processes that ask for the same at once get one row. No file ever changes.
 */
export function createFileStore(deps: FileStoreDeps): ApprovalStore {
  return new FileStore(deps);
}

class FileStore implements ApprovalStore {
  readonly #dir: string;
  readonly #temporaryDir: string;
  readonly #fileSystem: ApprovalFileSystem;
  readonly #onWarning: (warning: ApprovalWarning) => void;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #grantFiles: ReturnType<typeof createGrantFiles>;
  /** Files never change, so what was read once stays true. */
  readonly #rows = new Map<string, ApprovalRow>();
  readonly #settlements = new Map<string, Settlement>();
  readonly #reported = new Set<string>();
  readonly #shards = new Set<string>();
  #prepared: Promise<void> | undefined;
  #canWatch = true;

  constructor({ dir, fileSystem, onWarning, clock }: FileStoreDeps) {
    this.#dir = dir;
    this.#clock = clock;
    this.#temporaryDir = join(dir, 'tmp');
    this.#fileSystem = fileSystem;
    this.#onWarning = onWarning;
    this.#grantFiles = createGrantFiles({
      dir: join(dir, 'grants'),
      temporaryDir: this.#temporaryDir,
      fileSystem,
      report: (path, problem) => this.#report(path, problem),
    });
  }

  claim(key: string, row: ApprovalRow, isOpen: (stored: StoredApproval) => boolean): Promise<StoredApproval> {
    return this.#guard('request', async () => {
      const name = createHash('sha256').update(key).digest('hex');
      const shard = await this.#shard(name.slice(0, 2));
      for (;;) {
        const newest = await this.#newest(shard, name);
        if (newest.stored && isOpen(newest.stored)) return newest.stored;
        const isCreated = await createAtomically(this.#fileSystem, this.#temporaryDir, {
          paths: [join(shard, `${name}.${newest.number + 1}.json`), this.#path(row.id, '.json')],
          dirs: [shard, this.#dir],
          text: JSON.stringify(row),
        });
        if (isCreated) return { row, used: false };
      }
    });
  }

  read(id: string): Promise<StoredApproval | undefined> {
    return this.#guard('read', () => this.#read(id));
  }

  readAll(): Promise<readonly StoredApproval[]> {
    return this.#guard('read', async () => {
      const names = new Set(await this.#fileSystem.readdir(this.#dir));
      const found: StoredApproval[] = [];
      for (const name of names) {
        const id = /^(apr_[\w-]{1,64})\.json$/.exec(name)?.[1];
        if (id === undefined) continue;
        try {
          const stored = await this.#read(id, names);
          if (stored) found.push(stored);
        } catch (error) {
          this.#report(join(this.#dir, name), describeThrown(error));
        }
      }
      return found;
    });
  }

  settle(id: string, settlement: Settlement): Promise<boolean> {
    return this.#guard('decide', () =>
      createAtomically(this.#fileSystem, this.#temporaryDir, {
        paths: [this.#path(id, '.decision.json')],
        dirs: [this.#dir],
        text: settlementToText(id, settlement),
      }),
    );
  }

  use(id: string, at: number): Promise<boolean> {
    return this.#guard('use', async () => {
      try {
        await writeDurably(this.#fileSystem, this.#path(id, '.used'), JSON.stringify({ format: 1, id, at }));
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return false;
        throw error;
      }
      await syncFolder(this.#fileSystem, this.#dir);
      return true;
    });
  }

  grants(): ReturnType<ApprovalStore['grants']> {
    return this.#guard('read', () => this.#grantFiles.list());
  }

  addGrant(...[grant]: Parameters<ApprovalStore['addGrant']>): Promise<void> {
    return this.#guard('grant', () => this.#grantFiles.add(grant));
  }

  removeGrant(id: string): Promise<boolean> {
    return this.#guard('revoke', () => this.#grantFiles.remove(id));
  }

  watch(onChange: () => void): () => void {
    try {
      const watcher = this.#fileSystem.watch(this.#dir, { persistent: false }, onChange);
      watcher.on('error', (error) => {
        this.#reportWatch(error);
        watcher.close();
      });
      this.#canWatch = true;
      return () => watcher.close();
    } catch (error) {
      this.#reportWatch(error);
      return () => undefined;
    }
  }

  pollMs(): number | undefined {
    return this.#canWatch ? undefined : pollWithoutWatchMs;
  }

  async close(): Promise<void> {
    this.#rows.clear();
    this.#settlements.clear();
  }

  /** The newest request of this action and run, or the number before the first. */
  async #newest(shard: string, name: string): Promise<{ readonly number: number; readonly stored?: StoredApproval }> {
    let number = -1;
    for (const file of await this.#fileSystem.readdir(shard)) {
      const match = file.startsWith(name) ? /\.(\d+)\.json$/.exec(file) : null;
      if (match) number = Math.max(number, Number(match[1]));
    }
    if (number < 0) return { number };
    const path = join(shard, `${name}.${number}.json`);
    const row = await this.#parse(path, parseRow);
    if (!row) return { number };
    // A crash between the two names of a row leaves it without this one.
    if (await linkUnlessTaken(this.#fileSystem, path, this.#path(row.id, '.json'))) {
      await syncFolder(this.#fileSystem, this.#dir);
    }
    const stored = await this.#read(row.id);
    return { number, ...(stored ? { stored } : {}) };
  }

  /** `names`, when the folder was just listed, saves looking for files that are not there. */
  async #read(id: string, names?: ReadonlySet<string>): Promise<StoredApproval | undefined> {
    const row = this.#rows.get(id) ?? (await this.#parse(this.#path(id, '.json'), parseRow, id));
    if (!row) return undefined;
    remember(this.#rows, id, row);
    if (names && !names.has(`${id}.decision.json`)) return { row, used: false };
    const path = this.#path(id, '.decision.json');
    const settlement = this.#settlements.get(id) ?? (await this.#parse(path, (text) => parseSettlement(id, text)));
    // An unreadable decision must neither allow anything nor let somebody decide again.
    if (!settlement) return settlement === undefined ? { row, used: false } : undefined;
    remember(this.#settlements, id, settlement);
    const used = names ? names.has(`${id}.used`) : await this.#isThere(this.#path(id, '.used'));
    return { row, settlement, used };
  }

  /** Undefined when there is no file, null when it cannot be understood. */
  async #parse<Value>(path: string, parse: (text: string) => Value, id?: string): Promise<Value | undefined | null> {
    const text = await readIfThere(this.#fileSystem, path);
    if (text === undefined) return undefined;
    try {
      const value = parse(text);
      if (id !== undefined && (value as { id?: unknown }).id !== id)
        throw new RecordProblem('it has the id of another');
      return value;
    } catch (error) {
      this.#report(path, describeThrown(error));
      return null;
    }
  }

  async #isThere(path: string): Promise<boolean> {
    try {
      await this.#fileSystem.stat(path);
      return true;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
  }

  #path(id: string, ending: '.json' | '.decision.json' | '.used'): string {
    return join(this.#dir, `${id}${ending}`);
  }

  async #shard(name: string): Promise<string> {
    const shard = join(this.#dir, 'by-action', name);
    if (this.#shards.has(name)) return shard;
    await this.#fileSystem.mkdir(shard, { recursive: true, mode: 0o700 });
    await syncFolder(this.#fileSystem, join(this.#dir, 'by-action'));
    this.#shards.add(name);
    return shard;
  }

  async #prepare(): Promise<void> {
    for (const dir of [this.#temporaryDir, join(this.#dir, 'by-action'), join(this.#dir, 'grants')]) {
      await this.#fileSystem.mkdir(dir, { recursive: true, mode: 0o700 });
    }
    await syncFolder(this.#fileSystem, this.#dir);
    this.#shards.clear();
    await this.#sweep();
    await dropOldRows({ dir: this.#dir, fileSystem: this.#fileSystem, now: Date.now() });
  }

  /** Removes what processes left half written when they were killed. */
  async #sweep(): Promise<void> {
    for (const name of await this.#fileSystem.readdir(this.#temporaryDir)) {
      const path = join(this.#temporaryDir, name);
      const info = await this.#fileSystem.stat(path).catch(() => undefined);
      if (!info || this.#clock.now() - info.mtimeMs < abandonedAfterMs) continue;
      await this.#fileSystem.unlink(path).catch(() => undefined);
    }
  }

  async #guard<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    try {
      this.#prepared ??= this.#prepare();
      await this.#prepared;
      return await work();
    } catch (error) {
      this.#prepared = undefined;
      const code = codeOf(error);
      throw new GenieError(
        'GENIE_APPROVAL_STORE',
        `Approvals in ${this.#dir}: cannot ${what}: ${describeThrown(error)}. Check that the folder can be written and has space.`,
        { cause: error, details: { dir: this.#dir, what, ...(typeof code === 'string' ? { systemCode: code } : {}) } },
      );
    }
  }

  #report(path: string, problem: string): void {
    if (this.#reported.has(path)) return;
    this.#reported.add(path);
    this.#onWarning({
      code: 'GENIE_APPROVAL_CORRUPT',
      message: `Approval file ${path} is skipped: ${problem}. Move it away; the genie asks again.`,
      details: { path },
    });
  }

  #reportWatch(error: unknown): void {
    this.#canWatch = false;
    this.#onWarning({
      code: 'GENIE_APPROVAL_WATCH',
      message: `Cannot watch ${this.#dir} (${describeThrown(error)}); looking every ${pollWithoutWatchMs} ms instead.`,
      details: { dir: this.#dir },
    });
  }
}

function remember<Value>(cache: Map<string, Value>, id: string, value: Value): void {
  if (cache.has(id)) return;
  if (cache.size >= maxCachedRows) cache.delete(cache.keys().next().value ?? id);
  cache.set(id, value);
}

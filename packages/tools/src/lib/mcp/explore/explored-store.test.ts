import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openExplorations } from './explored-store.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'genie-explored-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** As version 1 wrote it. */
const stored = {
  version: 1,
  servers: {
    notes: {
      at: 2,
      tools: [
        { tool: 'notes__a', outcome: 'answers', at: 1, tookMs: 3, sizeBytes: 5, sample: 'hello' },
        { tool: 'notes__b', outcome: 'fails', at: 1, tookMs: 3, code: 'GENIE_MCP_TIMEOUT', sample: 'slow' },
        { tool: 'notes__c', outcome: 'skipped', why: 'needs-arguments', needs: ['path'] },
      ],
    },
  },
};

describe('openExplorations', () => {
  it('reads what version 1 wrote, changes one server, and leaves only its own file, for its owner', async () => {
    const file = path.join(dir, 'explored.json');
    writeFileSync(file, JSON.stringify(stored));
    const explorations = openExplorations({ dir });
    expect(await explorations.read('notes')).toEqual(stored.servers.notes);
    expect(await explorations.all()).toEqual([stored.servers.notes]);
    expect(await explorations.read('constructor')).toBeUndefined();
    await explorations.write('issues', { at: 5, tools: [] });
    expect(await explorations.read('notes')).toEqual(stored.servers.notes);
    await explorations.forget('notes');
    expect(await explorations.read('notes')).toBeUndefined();
    expect(await explorations.read('issues')).toEqual({ at: 5, tools: [] });
    expect(readdirSync(dir)).toEqual(['explored.json']);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('says what to do about a damaged file', async () => {
    writeFileSync(path.join(dir, 'explored.json'), '{"version":1');
    await expect(openExplorations({ dir }).read('notes')).rejects.toMatchObject({ code: 'GENIE_MCP_STORE' });
  });
});

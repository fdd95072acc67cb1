import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectMcp } from '@genie/tools/mcp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const main = join(import.meta.dirname, '../main.ts');
const flags = ['--conditions=@genie/source', '--disable-warning=ExperimentalWarning'];
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'genie-mcp-'));
  mkdirSync(join(folder, 'notes'));
  writeFileSync(join(folder, 'notes', 'bridge.md'), 'The harbour bridge opens on Friday.');
  const made = spawn(
    process.execPath,
    [
      ...flags,
      main,
      'new',
      '--goal',
      'Brief me',
      '--source',
      join(folder, 'notes'),
      '--model',
      'offline',
      '--home',
      join(folder, 'home'),
      '--yes',
    ],
    { stdio: 'ignore' },
  );
  expect(await new Promise((resolve) => made.on('exit', resolve))).toBe(0);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('genie mcp serve', () => {
  it('lets an MCP client drive a genie to a briefing over stdio', async () => {
    await using connection = await connectMcp({
      name: 'genie',
      command: process.execPath,
      args: [...flags, main, 'mcp', 'serve', '--home', join(folder, 'home'), '--stdio'],
      env: { HOME: folder, PATH: process.env.PATH ?? '' },
    });
    const names = connection.list().map((tool) => tool.name);
    const run = connection.list().find((tool) => /run$/.test(tool.name));
    expect(names, names.join(' ')).toContain(run?.name);
    const result = await run?.run(
      {},
      {
        runId: 'r',
        callId: 'c',
        genieId: 'g',
        tool: run.name,
        signal: AbortSignal.timeout(60_000),
        fetch,
        progress: () => undefined,
      },
    );
    expect(JSON.stringify(result)).toContain('harbour bridge');
  }, 90_000);

  it('wants to know where to serve', async () => {
    const child = spawn(process.execPath, [...flags, main, 'mcp', 'serve', '--home', join(folder, 'home')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(2);
    expect(said).toContain('--stdio, or --http PORT');
  }, 60_000);
});

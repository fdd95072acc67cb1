import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validateEvent } from '@genie/core/events';
import type { GenieEvent } from '@genie/core/ports';
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
    const context = {
      runId: 'r',
      callId: 'c',
      genieId: 'g',
      tool: 'genie_run',
      signal: AbortSignal.timeout(60_000),
      fetch,
      progress: () => undefined,
    };
    const result = await run?.run({}, context);
    expect(JSON.stringify(result)).toContain('harbour bridge');
    // A quiet day gives the briefing that still holds.
    expect(JSON.stringify(await run?.run({}, context))).toMatch(/nothing new.*harbour bridge/);
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

describe('genie mcp chains', () => {
  const chains = async (...more: readonly string[]) => {
    const child = spawn(process.execPath, [...flags, main, 'mcp', 'chains', '--home', join(folder, 'home'), ...more], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (chunk) => {
      said += chunk;
    });
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    return said;
  };
  const call = (
    runId: string,
    callId: string,
    { tool, input, output }: { tool: string; input: object; output: string },
  ) => {
    const common = { at: 1, source: 'core.loop', runId, step: 1, callId, tool };
    return [
      { ...common, type: 'tool.called', input, effect: 'read' },
      { ...common, type: 'tool.completed', output, tookMs: 1 },
    ] as GenieEvent[];
  };

  it('shows what the runs of a home did again and again, and what a step takes from another', async () => {
    expect(await chains()).toContain('No chain of tools was repeated');
    const events = ['bridge', 'harbour', 'ferry'].flatMap((word) => [
      ...call(`run_${word}`, 'a', {
        tool: 'search',
        input: { query: word, limit: 5 },
        output: `found /notes/${word}.md`,
      }),
      ...call(`run_${word}`, 'b', { tool: 'read', input: { path: `/notes/${word}.md` }, output: '\u001b[2Jtext' }),
    ]);
    expect(events.map((event) => validateEvent(event)).filter((fault) => fault !== undefined)).toEqual([]);
    appendFileSync(join(folder, 'home', 'events.jsonl'), events.map((event) => `${JSON.stringify(event)}\n`).join(''));
    const said = await chains();
    expect(said).toMatch(/^skill [0-9a-f]{12} · 3 times in 3 runs$/m);
    expect(said).toContain('1. search(limit=5, query?)');
    expect(said).toContain('2. read(path from step 1)');
    expect(JSON.parse(await chains('--json'))).toMatchObject({ chains: [{ times: 3, runs: 3, worth: 'skill' }] });
  }, 60_000);

  it('makes a playbook of a chain that is accepted, and shows no more what is refused', async () => {
    const [{ id }] = JSON.parse(await chains('--json')).chains as [{ id: string }];
    expect(await chains('--accept', id)).toContain('is a playbook');
    expect(await chains()).toMatch(/3 times in 3 runs · accepted$/m);
    const file = () => JSON.parse(readFileSync(join(folder, 'home', 'mcp', 'playbooks.json'), 'utf8'));
    expect(file()).toMatchObject({ accepted: [{ id, approvalId: expect.stringMatching(/^apr_/) }] });
    await chains('--refuse', id);
    expect(file()).toMatchObject({ accepted: [], refused: [id] });
    expect(await chains()).toContain('No chain');
  }, 60_000);
});

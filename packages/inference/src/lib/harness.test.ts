import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { createGenie, defineTool } from '@genie/core';
import type { LanguageModel } from '@genie/core/ports';
import { createMemoryJournal } from '@genie/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createDaemon } from './daemon/create-daemon.ts';
import { createFailover } from './failover/create-failover.ts';
import { writeTestModel } from './gguf/test-model.ts';
import { createOfflineModel } from './offline/offline-model.ts';
import { resolveModel } from './resolve-model.ts';
import { findLlama } from './testing/find-llama.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'genie-harness-'));
});
afterAll(() => rm(folder, { recursive: true }));

const items = [
  {
    id: 'c1c1c1c1',
    title: 'Fix the lease',
    text: 'The lease now counts generations, so a clock that goes back harms nobody.',
    location: '/repo@c1',
    date: '2026-11-02',
    author: 'Ann',
  },
];

/** A genie over one repository whose log the test decides. */
function genieWith(model: LanguageModel, name: string) {
  const calls: unknown[] = [];
  const gitLog = defineTool({
    name: 'git_log',
    description: 'Reads commits.',
    input: z.object({ repository: z.string().max(24) }),
    effect: 'read',
    run: (input) => {
      calls.push(input);
      return { source: { kind: 'git', location: '/repo' }, cursor: 'c1c1c1c1', items };
    },
  });
  const genie = createGenie({
    home: join(folder, name),
    goal: 'Brief me on what changed in this repository and who should care',
    sources: [{ kind: 'git', location: '/repo' }],
    tools: [gitLog],
    models: { planning: model, execution: model },
    journal: createMemoryJournal(),
    budget: { steps: 4 },
  });
  return { genie, calls };
}

async function runOnce(model: LanguageModel, name: string) {
  const { genie, calls } = genieWith(model, name);
  const handle = genie.run();
  const types: string[] = [];
  for await (const event of handle) types.push(event.type);
  const outcome = await handle.outcome;
  await genie.close();
  return { outcome, types, calls };
}

const answer = z.object({ briefing: z.string().min(30).max(200) });

/**
 * Random weights decide nothing, not even when to end: first a tool call must be written, and after its result a briefing in JSON, which its grammar ends on
 * every machine and on every date in the prompt.
 */
function forced(model: LanguageModel): LanguageModel {
  const force = (options: LanguageModelV4CallOptions): LanguageModelV4CallOptions => {
    const hasResult = options.prompt.some(({ role }) => role === 'tool');
    const { tools, ...rest } = { ...options, maxOutputTokens: 300, temperature: 1, seed: 5 };
    if (hasResult) return { ...rest, responseFormat: { type: 'json', schema: z.toJSONSchema(answer) as never } };
    return tools?.length ? { ...rest, tools, toolChoice: { type: 'required' } } : rest;
  };
  return {
    ...model,
    doGenerate: (options) => model.doGenerate(force(options)),
    doStream: (options) => model.doStream(force(options)),
  };
}

describe('models in the harness', () => {
  it('lets the offline model plan, read and brief', async () => {
    const { outcome, types, calls } = await runOnce(createOfflineModel(), 'offline');
    expect(outcome.status).toBe('completed');
    expect(calls).toEqual([{ repository: '/repo' }]);
    expect(types).toContain('plan.created');
    expect(outcome.briefing?.title).toBe('What changed in this repository and who should care');
    expect(outcome.briefing?.items).toHaveLength(1);
    expect(outcome.briefing?.items[0]?.citations).toEqual([
      { source: '/repo', location: '/repo@c1', date: '2026-11-02' },
    ]);
  });

  it('keeps a genie thinking when its first model cannot be reached', async () => {
    const model = createFailover({
      candidates: [
        { model: resolveModel('ollama/none', { baseURL: 'http://127.0.0.1:9' }), attempts: 1 },
        { model: createOfflineModel() },
      ],
    });
    const { outcome, calls } = await runOnce(model, 'failover');
    expect(outcome.status).toBe('completed');
    expect(calls).toHaveLength(1);
  });

  const llamaModule = findLlama(process.env);
  it.skipIf(llamaModule === undefined)(
    'runs on a tiny local model with forced structured output: nonsense, but valid nonsense',
    { timeout: 120_000 },
    async () => {
      const path = join(folder, 'tiny.gguf');
      await writeTestModel(path, { seed: 3 });
      const daemon = createDaemon({
        models: { tiny: path },
        threads: 1,
        contextTokens: 4_096,
        cache: { slots: 2 },
        ...(llamaModule ? { llamaModule } : {}),
      });
      const { outcome, types, calls } = await runOnce(forced(daemon.model()), 'local');
      await daemon.close();
      expect(types).toContain('plan.created');
      expect(types.at(-1)).toBe('run.ended');
      expect(outcome.status).toBe('completed');
      expect(answer.safeParse(JSON.parse(outcome.text)).success).toBe(true);
      expect(calls.length).toBeGreaterThan(0);
      for (const input of calls)
        expect(z.object({ repository: z.string().max(24) }).safeParse(input).success).toBe(true);
    },
  );
});

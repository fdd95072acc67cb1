import { createGenie, createIds, createMemoryApprovals, systemClock } from '@genie/core';
import { homeFolders, readGenieFile } from '@genie/core/home';
import { createVolatileEgress, createVolatileMemory, scriptedModel } from '@genie/core/testing';
import { openExplorations, openPlaybooks } from '@genie/tools';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '../compose/genie-settings.ts';
import { mcpFolder } from '../mcp/mcp-folder.ts';
import { type CliFixture, createCliFixture } from '../testing/cli-fixture.ts';
import { createRunParts } from './run-parts.ts';

describe('createRunParts', () => {
  let cli: CliFixture;
  beforeAll(() => {
    cli = createCliFixture();
  });
  afterAll(() => cli.remove());

  it('gives the planning model the playbooks that the user accepted and what was explored, and the execution model neither', async () => {
    const home = cli.home('books', {});
    const approvals = createMemoryApprovals({ clock: systemClock, ids: createIds(systemClock) });
    const step = { fixed: {}, fromStep: {}, parameters: ['query'] };
    const chain = { id: 'abc', times: 3, runs: 3, worth: 'skill', steps: [{ tool: 'far__search', ...step }] } as const;
    await openPlaybooks({ dir: mcpFolder(home) }).decide({
      chain,
      verdict: 'accept',
      genieId: 'g',
      by: 'cli',
      approvals,
    });
    const seen = { tool: 'far__search', outcome: 'answers', at: 1, tookMs: 7, sizeBytes: 9, sample: 'x' } as const;
    await openExplorations({ dir: mcpFolder(home) }).write('far', { at: 1, tools: [seen] });
    const file = readGenieFile(home);
    const planning = scriptedModel([{ text: '{"steps":[{"text":"Search."}]}' }]);
    const execution = scriptedModel([{ text: '## Done' }]);
    const none = async () => undefined;
    const { options } = createRunParts({
      file,
      settings: readSettings(home, file),
      models: { planning, execution, prices: {}, references: { planning: 'x', execution: 'x' }, close: none } as never,
      folders: homeFolders(home),
      memory: createVolatileMemory(),
      approvals,
      door: createVolatileEgress({ respond: () => new Response() }),
      servers: undefined,
      wakesAlways: true,
    });
    await using genie = createGenie({ ...options, goal: 'Look for bridges', planning: 'every-run' });
    await genie.run().outcome;
    expect(JSON.stringify(planning.requests[0]?.prompt)).toContain('far__search(query=?)');
    expect(JSON.stringify(planning.requests[0]?.prompt)).toContain('far__search: answers in 7 ms');
    expect(JSON.stringify(execution.requests)).not.toContain('answers in 7 ms');
    expect(JSON.stringify(execution.requests)).not.toContain('far__search(query=?)');
  });
});

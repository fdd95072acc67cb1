import type {
  LanguageModelV4CallOptions,
  LanguageModelV4FunctionTool,
  LanguageModelV4Message,
  LanguageModelV4ToolResultPart,
} from '@ai-sdk/provider';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createOfflineModel } from './offline-model.ts';

type Output = LanguageModelV4ToolResultPart['output'];

const tool = (name: string, properties: Record<string, object>): LanguageModelV4FunctionTool => ({
  type: 'function',
  name,
  inputSchema: { type: 'object', properties },
});

const tools = [
  tool('git_log', { repository: { type: 'string' }, since: { type: 'string' }, limit: { type: 'integer' } }),
  tool('read_folder', { path: { type: 'string' }, since: { type: 'string' } }),
  tool('read_feed', { url: { type: 'string' }, since: { type: 'string' } }),
  tool('fetch_page', { url: { type: 'string' } }),
];

const user = (text: string): LanguageModelV4Message => ({ role: 'user', content: [{ type: 'text', text }] });

/** Runs the tool loop by hand: each call is answered by `outputs`, in order. */
async function run(text: string, outputs: readonly Output[], more: Partial<LanguageModelV4CallOptions> = {}) {
  const model = createOfflineModel();
  const prompt = [user(text)];
  const first = await model.doGenerate({ prompt, tools, ...more });
  const calls = first.content.filter((part) => part.type === 'tool-call');
  if (calls.length === 0) return { calls, text: textOf(first.content) };
  prompt.push({
    role: 'assistant',
    content: calls.map(({ type, toolCallId, toolName, input }) => ({
      type,
      toolCallId,
      toolName,
      input: JSON.parse(input),
    })),
  });
  prompt.push({
    role: 'tool',
    content: calls.map(({ toolCallId, toolName }, index) => ({
      type: 'tool-result',
      toolCallId,
      toolName,
      output: outputs[index] ?? { type: 'error-text', value: 'no output' },
    })),
  });
  const last = await model.doGenerate({ prompt, tools, ...more });
  return { calls, text: textOf(last.content), last };
}

const textOf = (content: readonly { type: string; text?: string }[]) => content.map((part) => part.text ?? '').join('');

const commits = (items: readonly object[], more: object = {}): Output => ({
  type: 'json',
  value: { source: { kind: 'git', location: '/repo' }, cursor: 'c2', items, ...more } as never,
});

const lease = {
  id: 'b1b1b1b1',
  title: 'Fix the lease takeover after a crash',
  text: 'Two processes could own one home when the clock went back. The lease now counts generations.',
  location: '/repo',
  date: '2026-11-02T10:00:00Z',
  author: 'Bob',
  files: ['packages/core/lease.ts', 'packages/core/a.ts'],
};
const journal = {
  id: 'a0a0a0a0',
  title: 'Add the journal',
  text: '',
  location: '/repo',
  date: '2026-11-01',
  author: 'Ann',
};

describe('the offline model', () => {
  it('says what it is', () => {
    expect(createOfflineModel()).toMatchObject({ specificationVersion: 'v4', provider: 'genie', modelId: 'offline' });
  });

  it('calls the tools of all sources in one message, with cursors where the tool takes them', async () => {
    const { calls } = await run(
      '# Goal\nBrief me\n# Sources\n- git: /repo\n- web: https://a.example/x\n- feed: https://a.example/feed\n# Since last time\n- git: /repo | c1\n- web: https://a.example/x | w1',
      [],
    );
    expect(calls.map(({ toolName, input }) => [toolName, JSON.parse(input)])).toEqual([
      ['git_log', { repository: '/repo', since: 'c1', limit: 50 }],
      ['fetch_page', { url: 'https://a.example/x' }],
      ['read_feed', { url: 'https://a.example/feed' }],
    ]);
    expect(new Set(calls.map((call) => call.toolCallId)).size).toBe(3);
  });

  it('writes a briefing with a citation on each line, who should care, and what was not reached', async () => {
    const { text } = await run(
      '# Goal\nBrief me on what changed and who should care\n# Sources\n- git: /repo | Genie\n- web: https://a.example/x\n# Already known\n- Add the journal',
      [commits([journal, lease]), { type: 'error-text', value: 'GENIE_EGRESS_DENIED: a.example' }],
    );
    expect(text).toBe(
      [
        '## What changed and who should care',
        '',
        '- Fix the lease takeover after a crash: Two processes could own one home when the clock went back. Who should care: those who use or keep packages/core (2 files); changed by Bob. ([Genie](/repo), 2026-11-02)',
        '',
        '### Not reached',
        '',
        '- GENIE_EGRESS_DENIED: a.example ([https://a.example/x](https://a.example/x))',
        '',
        '_Written by the offline model: rules, no neural network. Each line is quoted or counted from the source it cites._',
      ].join('\n'),
    );
  });

  it('reports nothing new in one line', async () => {
    const { text } = await run('# Goal\nBrief me\n# Sources\n- git: /repo\n# Already known\n- Add the journal', [
      commits([journal]),
    ]);
    expect(text).toBe('Nothing new: 1 source read, 1 item, each reported before ([/repo](/repo), 2026-11-01).');
    expect((await run('# Goal\nBrief me\n# Sources\n- git: /repo', [commits([])])).text).toMatch(
      /^Nothing new: 1 source read, no new item .*\.$/,
    );
  });

  it('does not take another version for known', async () => {
    const release = (version: string) => ({ id: version, title: `Release ${version} of the parser is out`, text: '' });
    const { text } = await run(
      '# Goal\nWatch\n# Sources\n- git: /repo\n# Already known\n- Release 1.2.0 of the parser is out',
      [commits([release('1.2.0'), release('1.2.1')])],
    );
    expect(text).toContain('1.2.1');
    expect(text).not.toContain('1.2.0');
  });

  it('reads the form of the source tools: changed files in the text, notes, truncation', async () => {
    const text =
      'The old one lost entries.\n\nREADME.md (+1 -0)\npackages/core/a.ts -> packages/core/b.ts (+3 -1)\nand 2 more files';
    const item = {
      id: 'c'.repeat(40),
      title: 'Use another parser',
      text,
      location: '/repo@ccc',
      author: 'Ann',
      date: '2026-11-03',
    };
    const result = await run('# Goal\nBrief me on what changed and who should care\n# Sources\n- git: /repo', [
      commits([item], { truncated: true, note: 'The cursor is unknown.' }),
    ]);
    expect(result.text).toContain(
      '- Use another parser: The old one lost entries. Who should care: those who use or keep README.md, packages/core (1 file); changed by Ann. ([/repo](/repo@ccc), 2026-11-03)',
    );
    expect(result.text).toContain('Only a part of /repo was read: it holds more.\n/repo: The cursor is unknown.');
  });

  it('takes texts of the loop beside a goal for notes, not for questions', async () => {
    const model = createOfflineModel();
    const { content } = await model.doGenerate({
      prompt: [user('# Goal\nBrief me\n'), user('[3 earlier messages are left out.]')],
    });
    expect(textOf(content)).toContain('No source is named');
  });

  it('counts with citations', async () => {
    const { text } = await run('# Goal\nHow many commits mention the lease, by author?\n# Sources\n- git: /repo', [
      commits([journal, lease]),
    ]);
    expect(text).toContain('- 2 commits in all ([/repo](/repo), 2026-11-02)');
    expect(text).toContain('- 1 of them mentions "lease" ([/repo](/repo), 2026-11-02)');
    expect(text).toContain('- 1 by Ann ([/repo]');
  });

  it('compares two sources', async () => {
    const { text } = await run('# Goal\nCompare them\n# Sources\n- git: /a\n- git: /b', [
      commits([journal, lease]),
      commits([journal]),
    ]);
    expect(text).toContain('- 2 items, 2 authors, newest of 2026-11-02 ([/a](/a), 2026-11-02)');
    expect(text).toContain('- 1 item in every one: Add the journal ([/a](/a), 2026-11-02) ([/b](/b), 2026-11-01)');
  });

  it('answers a message from what was reported, and says what it is when there is nothing', async () => {
    const known =
      '# Goal\nBrief me\n# Already known\n- The lease was fixed ([Genie](/repo), 2026-11-02)\n- Cats sleep\n# Message\n';
    expect((await run(`${known}What about the lease?`, [])).text).toContain(
      '- The lease was fixed ([Genie](/repo), 2026-11-02)',
    );
    expect((await run('# Goal\nBrief me\n# Message\nhello', [])).text).toContain('no neural network');
    expect((await run('Do something', [])).text).toContain('No source is named');
  });

  it('reads all of a source for a question about a topic, and only what is new for a question about news', async () => {
    const text = (message: string) =>
      `# Goal\nBrief me\n# Sources\n- git: /repo\n# Since last time\n- git: /repo | c1\n# Already known\n- Fix the lease takeover after a crash (2026-11-02, /repo)\n# Message\n${message}`;
    const topic = await run(text('What about the lease?'), [commits([journal, lease])]);
    expect(JSON.parse(topic.calls[0]?.input ?? '')).not.toHaveProperty('since');
    expect(topic.text).toContain('- Fix the lease takeover after a crash: Two processes');
    expect(topic.text).not.toContain('Add the journal');
    expect(topic.text).toContain(
      '### Reported before\n\n- Fix the lease takeover after a crash ([/repo](/repo), 2026-11-02)',
    );
    const news = await run(text('Anything new?'), [commits([lease])]);
    expect(JSON.parse(news.calls[0]?.input ?? '')).toMatchObject({ since: 'c1' });
    expect(news.text).toContain('Nothing new: 1 source read');
    expect((await run(text('And the router?'), [commits([lease])])).text).toContain(
      '- Nothing mentions And the router: 1 item read ([/repo](/repo))',
    );
  });

  it('calls nothing when tools are forbidden, and what is required when they are', async () => {
    const text = '# Goal\nBrief me\n# Sources\n- git: /repo';
    expect((await run(text, [], { toolChoice: { type: 'none' } })).calls).toEqual([]);
    const forced = await run('# Goal\nhello', [], { toolChoice: { type: 'tool', toolName: 'fetch_page' } });
    expect(forced.calls.map((call) => call.toolName)).toEqual(['fetch_page']);
  });

  it('plans and proposes by schema', async () => {
    const model = createOfflineModel();
    const prompt = [
      {
        role: 'system' as const,
        content: 'You plan.\nTools that exist:\n- read_feed: reads\n- other: x\nAnswer with JSON.',
      },
      user('# Goal\nBrief me every weekday at 7:15 (Europe/Berlin) on https://a.example/feed\n'),
    ];
    const schema = z.object({
      steps: z.array(z.object({ text: z.string(), tool: z.string().optional() })).min(1),
      reason: z.string(),
    });
    const plan = await model.doGenerate({
      prompt,
      tools,
      responseFormat: { type: 'json', name: 'plan', schema: z.toJSONSchema(schema) as never },
    });
    expect(schema.parse(JSON.parse(textOf(plan.content))).steps).toEqual([
      { text: 'Read the feed source https://a.example/feed', tool: 'read_feed' },
      { text: 'Rank what is new by relevance and write a briefing with a citation for each line' },
    ]);
    const proposal = await model.doGenerate({ prompt, responseFormat: { type: 'json', name: 'proposal' } });
    expect(JSON.parse(textOf(proposal.content))).toMatchObject({
      schedule: { cron: '15 7 * * 1-5', timezone: 'Europe/Berlin' },
      domains: ['a.example'],
      tools: ['read_feed'],
      models: { planning: 'offline', execution: 'offline' },
    });
  });

  it('streams the same text that it generates, and stops when aborted', async () => {
    const model = createOfflineModel();
    const call = { prompt: [user('hello there')] };
    const { stream } = await model.doStream(call);
    let streamed = '';
    const types = new Set<string>();
    for await (const part of stream) {
      types.add(part.type);
      if (part.type === 'text-delta') streamed += part.delta;
    }
    expect(streamed).toBe(textOf((await model.doGenerate(call)).content));
    expect([...types]).toEqual(['stream-start', 'response-metadata', 'text-start', 'text-delta', 'text-end', 'finish']);

    const controller = new AbortController();
    const aborted = await model.doStream({ ...call, abortSignal: controller.signal });
    const reader = aborted.stream.getReader();
    await reader.read();
    controller.abort(new Error('enough'));
    await expect(reader.read()).rejects.toThrow('enough');
    await expect(model.doGenerate({ ...call, abortSignal: controller.signal })).rejects.toThrow('enough');
  });

  it('keeps to maxOutputTokens and stopSequences', async () => {
    const model = createOfflineModel();
    const cut = await model.doGenerate({ prompt: [user('hello')], maxOutputTokens: 3 });
    expect(textOf(cut.content)).toHaveLength(12);
    expect(cut.finishReason.unified).toBe('length');
    expect(cut.usage).toMatchObject({
      outputTokens: { total: 3 },
      raw: { basis: expect.stringContaining('4 characters') },
    });
    expect(textOf((await model.doGenerate({ prompt: [user('hello')], stopSequences: ['No source'] })).content)).toBe(
      '## hello\n\n',
    );
  });

  it('survives any tool result, gives the same bytes twice, and lets no source forge a link', async () => {
    const outputs: fc.Arbitrary<Output> = fc.oneof(
      fc.jsonValue().map((value) => ({ type: 'json' as const, value: value as never })),
      fc.string().map((value) => ({ type: 'text' as const, value })),
      fc
        .array(fc.record({ title: fc.string(), text: fc.string(), date: fc.string(), url: fc.string() }))
        .map((items) => ({
          type: 'json' as const,
          value: { items },
        })),
      fc.string().map((value) => ({ type: 'error-text' as const, value })),
      fc.constant({ type: 'execution-denied' as const }),
    );
    await fc.assert(
      fc.asyncProperty(
        outputs,
        fc.constantFrom('Brief me', 'Count them', 'Compare', 'Summarise'),
        async (output, goal) => {
          const text = `# Goal\n${goal}\n# Sources\n- git: /repo\n- web: https://a.example/x`;
          const [one, two] = [await run(text, [output, output]), await run(text, [output, output])];
          expect(one.text).toBe(two.text);
          expect(one.text).not.toBe('');
          for (const line of one.text.split('\n').filter((candidate) => candidate.startsWith('- '))) {
            expect(line).toMatch(/\(\[[^\n]*\]\([^()\s]*\)(?:, \d{4}-\d{2}-\d{2})?\)$/);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

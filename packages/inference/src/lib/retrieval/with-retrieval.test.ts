import type { LanguageModelV4CallOptions, LanguageModelV4Message, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import type { LanguageModel, RecalledItem } from '@genie/core/ports';
import { describe, expect, it } from 'vitest';
import { resultToStream } from '../result-to-stream.ts';
import { type RetrievalReport, type Retriever, withRetrieval } from './with-retrieval.ts';

const items: readonly RecalledItem[] = [
  {
    id: 'm1',
    text: 'The lease lasts\n10 seconds.',
    score: 1,
    why: {},
    provenance: { source: 'https://a.example/lease' },
  },
  { id: 'm2', text: 'Journals are append-only.', score: 0.5, why: {}, provenance: { source: 'notes.md' } },
];

/** Says what it is told and keeps the prompts it got. */
function model(says: string): LanguageModel & { prompts: LanguageModelV4Message[][] } {
  const prompts: LanguageModelV4Message[][] = [];
  const answer = async (options: LanguageModelV4CallOptions) => {
    prompts.push(options.prompt);
    const usage = {
      inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 1, text: 1, reasoning: 0 },
    };
    return {
      content: [{ type: 'text' as const, text: says }],
      finishReason: { unified: 'stop' as const, raw: 'stop' },
      usage,
      warnings: [],
    };
  };
  return {
    specificationVersion: 'v4',
    provider: 'test',
    modelId: 'echo',
    supportedUrls: {},
    prompts,
    doGenerate: answer,
    doStream: async (options) => ({ stream: resultToStream(await answer(options), undefined) }),
  };
}

function retriever(
  answer: () => Promise<readonly RecalledItem[]> = async () => items,
): Retriever & { queries: string[] } {
  const queries: string[] = [];
  return {
    queries,
    query: async (query) => {
      queries.push(query);
      return { items: await answer(), tookMs: 1 };
    },
  };
}

const user = (text: string): LanguageModelV4Message => ({ role: 'user', content: [{ type: 'text', text }] });

describe('withRetrieval', () => {
  it('puts numbered passages before the question and returns those that were cited as sources', async () => {
    const inner = model('Ten seconds [1].');
    const rag = retriever();
    const wrapped = withRetrieval(inner, { rag });
    expect(wrapped).toMatchObject({ provider: 'test', modelId: 'echo' });
    const { content } = await wrapped.doGenerate({
      prompt: [{ role: 'system', content: 'You answer.' }, user('How long is the lease?')],
    });
    expect(rag.queries).toEqual(['How long is the lease?']);
    expect(inner.prompts[0]?.[0]).toEqual({ role: 'system', content: 'You answer.' });
    expect(JSON.stringify(inner.prompts[0]?.[1])).toContain(
      '[1] The lease lasts 10 seconds. (https://a.example/lease)',
    );
    expect(content.slice(1)).toEqual([{ type: 'source', sourceType: 'url', id: 'm1', url: 'https://a.example/lease' }]);
  });

  it('streams the sources before the end', async () => {
    const { stream } = await withRetrieval(model('Both [1][2], not [9].'), { rag: retriever() }).doStream({
      prompt: [user('x')],
    });
    const parts: LanguageModelV4StreamPart[] = [];
    for await (const part of stream) parts.push(part);
    expect(parts.slice(-3).map((part) => (part.type === 'source' ? part.id : part.type))).toEqual([
      'm1',
      'm2',
      'finish',
    ]);
  });

  it('retrieves once for the steps of a loop, and again for another question or another run', async () => {
    const rag = retriever();
    const wrapped = withRetrieval(model('ok'), { rag });
    const prompt = [user('first')];
    await wrapped.doGenerate({ prompt });
    await wrapped.doGenerate({
      prompt: [...prompt, { role: 'assistant', content: [] }, { role: 'tool', content: [] }],
    });
    await wrapped.doGenerate({ prompt: [user('second')] });
    await wrapped.doGenerate({ prompt: [user('second')] });
    expect(rag.queries).toEqual(['first', 'second', 'second']);
  });

  it('answers without passages when the retrieval is late or fails, and stops when aborted', async () => {
    const reports: RetrievalReport[] = [];
    const onRetrieval = (report: RetrievalReport) => reports.push(report);
    const inner = model('ok');
    for (const answer of [() => new Promise<never>(() => {}), () => Promise.reject(new Error('no index'))]) {
      await withRetrieval(inner, { rag: retriever(answer), deadlineMs: 20, onRetrieval }).doGenerate({
        prompt: [user('x')],
      });
    }
    expect(inner.prompts).toEqual([[user('x')], [user('x')]]);
    expect(reports.map(({ skipped }) => skipped)).toEqual(['no answer within 20 ms', 'no index']);
    const aborted = withRetrieval(inner, { rag: retriever() }).doGenerate({
      prompt: [user('x')],
      abortSignal: AbortSignal.abort(new Error('enough')),
    });
    await expect(Promise.resolve(aborted)).rejects.toThrow('enough');
    expect(inner.prompts).toHaveLength(2);
  });
});

import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { runConformance } from '@genie/core/conformance';
import type { LanguageModel } from '@genie/core/ports';
import { afterEach, describe, expect, it } from 'vitest';
import { type ModelScenario, modelSuite, scenarioFacts } from '../conformance/model-suite.ts';
import { type ModelFailureKind, toModelError } from '../failure/model-failure.ts';
import { createOfflineModel } from '../offline/offline-model.ts';
import { resolveModel } from '../resolve-model.ts';
import { resultToStream } from '../result-to-stream.ts';
import { type Endpoint, type EndpointOptions, startEndpoint } from './start-endpoint.ts';

let endpoint: Endpoint | undefined;
afterEach(async () => {
  await endpoint?.close();
  await endpoint?.close();
});

async function serve(models: EndpointOptions['models'], more: Partial<EndpointOptions> = {}) {
  endpoint = await startEndpoint({ models, ...more });
  return endpoint.url;
}

const usage = {
  inputTokens: { total: scenarioFacts.inputTokens, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: scenarioFacts.outputTokens, text: undefined, reasoning: undefined },
};

/** A model that plays a scenario of the suite itself, so that the endpoint is what is tested. */
function playing(scenario: ModelScenario, requests: string[]): LanguageModel {
  const answer = async (options: LanguageModelV4CallOptions) => {
    requests.push(JSON.stringify([options.prompt, options.tools]));
    if (scenario === 'silent') await new Promise(() => {});
    if (scenario !== 'text' && scenario !== 'tool-calls')
      throw toModelError({ kind: scenario as ModelFailureKind, message: `${scenario} happened` }, 'played');
    const calls = scenarioFacts.calls.map((input, index) => ({
      type: 'tool-call' as const,
      toolCallId: `c${index}`,
      toolName: 'lookup',
      input: JSON.stringify(input),
    }));
    const isText = scenario === 'text';
    return {
      content: isText ? [{ type: 'text' as const, text: scenarioFacts.text }] : calls,
      finishReason: { unified: isText ? ('stop' as const) : ('tool-calls' as const), raw: 'x' },
      usage,
      warnings: [],
    };
  };
  return {
    specificationVersion: 'v4',
    provider: 'test',
    modelId: scenario,
    supportedUrls: {},
    doGenerate: answer,
    doStream: async (options) => ({ stream: resultToStream(await answer(options), options.abortSignal) }),
  };
}

describe('startEndpoint', () => {
  const names = [
    'generates text',
    'generates parallel',
    'streams parallel',
    'sends tools',
    'rejects with GENIE_MODEL_CONTEXT_LENGTH',
    'stops waiting',
  ];
  it.each(names)('is an OpenAI-compatible server: a client %s …', async (name) => {
    const requests: string[] = [];
    const scenarios: readonly ModelScenario[] = ['text', 'tool-calls', 'context-length', 'silent'];
    const url = await serve(Object.fromEntries(scenarios.map((scenario) => [scenario, playing(scenario, requests)])));
    const cases = modelSuite.cases.filter((one) => one.name.startsWith(name));
    expect(cases).toHaveLength(1);
    const report = await runConformance({ ...modelSuite, cases }, async () => ({
      setup: {
        model: (scenario) => resolveModel(`openai-compatible/${scenario}`, { baseURL: `${url}/v1` }),
        requests: () => requests,
      },
    }));
    expect(report.results.map(({ status, reason }) => reason ?? status)).toEqual(['passed']);
  });

  it('serves the offline model, streamed and whole, with usage', async () => {
    const model = resolveModel('openai-compatible/offline', {
      baseURL: `${await serve({ offline: createOfflineModel() })}/v1`,
    });
    const call = { prompt: [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'hello' }] }] };
    const whole = await model.doGenerate(call);
    let streamed = '';
    for await (const part of (await model.doStream(call)).stream)
      if (part.type === 'text-delta') streamed += part.delta;
    expect(whole.content).toEqual([{ type: 'text', text: streamed }]);
    expect(whole.usage.outputTokens.total).toBeGreaterThan(10);
    const plan = await model.doGenerate({
      ...call,
      responseFormat: {
        type: 'json',
        name: 'plan',
        schema: { type: 'object', properties: { reason: { type: 'string' } }, required: ['reason'] } as never,
      },
    });
    expect(JSON.parse(plan.content.map((part) => (part.type === 'text' ? part.text : '')).join(''))).toHaveProperty(
      'reason',
    );
  });

  it('aborts a request when its client hangs up', async () => {
    let aborted = () => {};
    const gone = new Promise<void>((resolve) => {
      aborted = resolve;
    });
    const waiting: LanguageModel = {
      ...createOfflineModel(),
      doGenerate: ({ abortSignal }) =>
        new Promise((_resolve, reject) =>
          abortSignal?.addEventListener('abort', () => {
            aborted();
            reject(abortSignal.reason);
          }),
        ),
    };
    const url = await serve({ waiting });
    const controller = new AbortController();
    const body = JSON.stringify({ model: 'waiting', messages: [{ role: 'user', content: 'x' }] });
    const work = fetch(`${url}/v1/chat/completions`, { method: 'POST', body, signal: controller.signal }).catch(
      () => undefined,
    );
    setTimeout(() => controller.abort(), 50);
    await work;
    await gone;
  });

  it('answers models, health and metrics, and refuses what it does not understand', async () => {
    const url = await serve(
      { offline: createOfflineModel() },
      { metrics: () => ({ queueDepth: 3 }), maxBodyBytes: 1_000 },
    );
    const get = async (path: string) => (await fetch(`${url}${path}`)).json();
    expect(await get('/v1/models')).toMatchObject({ data: [{ id: 'offline' }] });
    expect(await get('/health')).toEqual({ status: 'ok' });
    expect(await get('/metrics')).toEqual({ queueDepth: 3 });
    const post = async (body: string) => (await fetch(`${url}/v1/chat/completions`, { method: 'POST', body })).status;
    expect(await post('no json')).toBe(400);
    expect(await post(JSON.stringify({ model: 'offline', messages: [] }))).toBe(400);
    expect(await post(JSON.stringify({ model: '__proto__', messages: [{ role: 'user', content: 'x' }] }))).toBe(404);
    expect(
      await post(JSON.stringify({ model: 'offline', messages: [{ role: 'user', content: 'x'.repeat(2_000) }] })),
    ).toBe(413);
    expect((await fetch(`${url}/v1/none`)).status).toBe(404);
    const messages = [{ role: 'user', content: 'x' }];
    expect(await post(JSON.stringify({ model: 'offline', messages, stop: Array.from({ length: 65 }, String) }))).toBe(
      400,
    );
    expect(await post(JSON.stringify({ model: 'offline', messages, stop: ['a', 'b'] }))).toBe(200);
  });

  it('makes the stream wait for a client that does not read, for as long as it likes', async () => {
    const piece = 'x'.repeat(100_000);
    let made = 0;
    const endless: LanguageModel = {
      ...createOfflineModel(),
      doStream: async () => ({
        stream: new ReadableStream(
          {
            pull(controller) {
              made += 1;
              controller.enqueue({ type: 'text-delta', id: '0', delta: piece });
              if (made === 400) controller.close();
            },
          },
          { highWaterMark: 0 },
        ),
      }),
    };
    const warnings: Error[] = [];
    const warn = (warning: Error) => warnings.push(warning);
    process.on('warning', warn);
    const url = await serve({ endless });
    const body = JSON.stringify({ model: 'endless', stream: true, messages: [{ role: 'user', content: 'x' }] });
    const response = await new Promise<IncomingMessage>((resolve) => {
      httpRequest(`${url}/v1/chat/completions`, { method: 'POST' }, resolve).end(body);
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    // What the network holds, and no more.
    expect(made).toBeLessThan(200);
    let length = 0;
    for await (const bytes of response) length += (bytes as Buffer).length;
    expect(made).toBe(400);
    expect(length).toBeGreaterThan(400 * piece.length);
    process.off('warning', warn);
    expect(warnings).toEqual([]);
  });

  it('refuses what is nested too deeply, and addresses that are none', async () => {
    const url = await serve({ offline: createOfflineModel() });
    const schema = `${'{"items":'.repeat(50_000)}{}${'}'.repeat(50_000)}`;
    const body = `{"model":"offline","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"schema":${schema}}}}`;
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body });
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('nested deeper')]);
    const status = await new Promise<number | undefined>((resolve) => {
      httpRequest(url, { path: '//' }, (answer) => resolve(answer.statusCode)).end();
    });
    expect(status).toBe(400);
  });

  it('keeps out pages in a browser, strangers and wrong tokens', async () => {
    await expect(startEndpoint({ models: {}, host: '0.0.0.0' })).rejects.toMatchObject({
      code: 'GENIE_ENDPOINT_OPTIONS',
    });
    const url = await serve({ offline: createOfflineModel() }, { token: 'secret' });
    const status = async (headers: Record<string, string>) => (await fetch(`${url}/v1/models`, { headers })).status;
    expect(await status({})).toBe(401);
    expect(await status({ authorization: 'Bearer wrong' })).toBe(401);
    expect(await status({ authorization: 'Bearer secret' })).toBe(200);
    expect(await status({ authorization: 'Bearer secret', origin: 'https://evil.example' })).toBe(403);
    await endpoint?.close();
    const open = await serve({ offline: createOfflineModel() });
    const rebound = await new Promise<number | undefined>((resolve) => {
      httpRequest(`${open}/v1/models`, { headers: { host: 'evil.example' } }, (response) =>
        resolve(response.statusCode),
      ).end();
    });
    expect(rebound).toBe(403);
    await expect(startEndpoint({ models: {}, port: Number(new URL(open).port) })).rejects.toMatchObject({
      code: 'GENIE_ENDPOINT_LISTEN',
    });
  });
});

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GenieEvent } from '@genie/core/ports';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCliFixture } from '../testing/cli-fixture.ts';
import { openFeedServer } from '../testing/feed-server.ts';
import { readEvents } from '../watching/read-events.ts';
import { modelHosts } from './model-hosts.ts';
import { openModels } from './open-models.ts';

let server: Server;
let address: string;
let asked = 0;

beforeAll(async () => {
  server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(503).end('overloaded');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Brief me' }] }];
const network = (state: 'online' | 'offline'): GenieEvent =>
  ({ type: 'network.changed', at: 1, source: 'test', state, previous: 'online' }) as never;

describe('fallbackModels', () => {
  it('stand in when a model cannot be had, at once while the network is away', async () => {
    const switched: string[] = [];
    const reference = 'openai-compatible/far';
    const models = await openModels({
      references: { planning: reference, execution: reference },
      settings: { modelBaseUrl: `http://${address}/v1`, fallbackModels: ['offline'] },
      environment: { OPENAI_COMPATIBLE_API_KEY: 'none' },
      fetch,
      events: (event) => void (event.type === 'model.switched' && switched.push(event.to)),
    });
    asked = 0;
    models.onEvent(network('offline'));
    expect((await models.execution.doGenerate({ prompt })).content).not.toEqual([]);
    expect([asked, switched]).toEqual([0, ['offline']]);
    models.onEvent(network('online'));
    expect((await models.execution.doGenerate({ prompt })).content).not.toEqual([]);
    expect(asked).toBeGreaterThan(0);
    await models.close();
  });

  it('keep a genie at work, and its events say so', async () => {
    const cli = createCliFixture();
    const feed = await openFeedServer(['Parser released']);
    try {
      const home = cli.home('steady', {
        goal: 'Brief me on releases',
        models: { planning: 'openai-compatible/far', execution: 'openai-compatible/far' },
        modelBaseUrl: `http://${address}/v1`,
        fallbackModels: ['offline'],
        sources: [{ kind: 'feed', location: feed.url }],
        egress: { allow: [feed.address] },
      } as never);
      const ended = await cli.inProcess(['run', 'steady', '--no-ask'], {
        environment: { OPENAI_COMPATIBLE_API_KEY: 'none' },
      });
      expect(ended).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('Parser released'),
        stderr: expect.stringContaining('offline stands in for openai-compatible/far'),
      });
      expect(readEvents(home).events.filter(({ type }) => type === 'model.switched')).toMatchObject([
        { to: 'offline' },
      ]);
    } finally {
      await feed.close();
      cli.remove();
    }
  });

  it('have their hosts open, the address of the settings only for their own kind', () => {
    const hosts = (fallbacks: readonly string[]) =>
      modelHosts(['openai-compatible/far'], { baseUrl: 'http://10.0.0.5:8080/v1', fallbacks, environment: {} });
    expect(hosts(['anthropic/claude', 'ollama/small', 'offline'])).toEqual([
      '10.0.0.5:8080',
      'api.anthropic.com',
      '127.0.0.1:11434',
    ]);
  });
});

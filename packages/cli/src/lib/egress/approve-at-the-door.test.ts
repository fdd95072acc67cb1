import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Approval } from '@genie/core/ports';
import { explainContainment } from '@genie/egress';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliFixture, createCliFixture } from '../testing/cli-fixture.ts';
import { type NameServer, openNameServer } from '../testing/feed-server.ts';
import { openScriptedEndpoint, type ScriptedEndpoint } from '../testing/scripted-endpoint.ts';

const missing = [
  ...(await explainContainment()).missing,
  ...['/usr/bin/bwrap', '/usr/bin/curl'].filter((path) => !existsSync(path)).map((path) => `${path} is not installed`),
];
if (missing.length > 0) console.warn(`skipped: approvals at the door of a sandbox (${missing.join('; ')})`);

const host = 'blocked.example.test';

let cli: CliFixture;
let names: NameServer;
let site: Server;
let port: number;
const seen: string[] = [];

beforeAll(async () => {
  cli = createCliFixture();
  names = await openNameServer();
  site = createServer((request, response) => {
    seen.push(`${request.method} ${request.headers.host}${request.url}`);
    response.end('hello from the site');
  });
  await new Promise<void>((done) => site.listen(0, '127.0.0.1', done));
  port = (site.address() as AddressInfo).port;
});

afterAll(async () => {
  site.closeAllConnections();
  site.close();
  await names.close();
  cli.remove();
});

/** A genie with a shell and no host but its model's. */
async function shellHome(name: string, command: string): Promise<ScriptedEndpoint> {
  const endpoint = await openScriptedEndpoint(command);
  const model = 'openai-compatible/scripted';
  cli.home(name, {
    goal: 'Look at two pages',
    models: { planning: model, execution: model },
    planning: 'none',
    modelBaseUrl: endpoint.baseUrl,
    toolbox: { shell: { approval: 'never' } },
    egress: { allow: [], allowPrivate: [`127.0.0.1:${port}`], resolver: names.address },
  } as Parameters<CliFixture['home']>[1]);
  return endpoint;
}

/** What waits, as the second terminal sees it. */
async function waitForQuestion(name: string, path: string): Promise<Approval> {
  for (let tries = 0; tries < 200; tries += 1) {
    const { stdout } = await cli.inProcess(['approve', name, '--list', '--json']);
    const found = (JSON.parse(stdout) as { approvals: Approval[] }).approvals.find(
      ({ action }) => action.payload.path === path,
    );
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nobody asked for ${path}`);
}

const get = (path: string): string => `curl -sS -i http://${host}:${port}${path}`;

describe.skipIf(missing.length > 0)('a curl in the sandbox', { timeout: 90_000 }, () => {
  it('waits at the door, is approved in a second terminal, and only that one request passes', async () => {
    seen.length = 0;
    const endpoint = await shellHome('door', `${get('/one?key=secret')}; ${get('/two')}`);
    const run = cli.start(['run', 'door'], { environment: { OPENAI_COMPATIBLE_API_KEY: 'none' } });
    try {
      const one = await waitForQuestion('door', '/one');
      expect(seen).toEqual([]);
      expect(one).toMatchObject({ action: { kind: 'egress', payload: { host, port, method: 'GET', tool: 'shell' } } });
      expect(one.title).toBe(`Read http://${host}:${port} (GET, asked by shell)`);
      expect(one.claim).toContain(`it runs: curl -sS -i http://${host}:${port}/one?***`);
      expect(one.runId).toMatch(/^run_/);
      expect(JSON.stringify(one)).not.toContain('secret');

      const approved = await cli.genie(['approve', 'door', one.id, '--allow-once']);
      expect(approved).toMatchObject({ code: 0, stderr: '' });
      const two = await waitForQuestion('door', '/two');
      expect(seen).toEqual([`GET ${host}:${port}/one?key=secret`]);
      expect((await cli.genie(['approve', 'door', two.id, '--deny'])).code).toBe(0);

      expect(await run.ended).toMatchObject({
        code: 0,
        stderr: expect.stringContaining(`in a second terminal: genie approve door ${one.id} --allow-once`),
      });
      expect(seen).toEqual([`GET ${host}:${port}/one?key=secret`]);
      expect(endpoint.results).toHaveLength(1);
      expect(endpoint.results[0]).toContain('hello from the site');
      expect(endpoint.results[0]).toContain('x-genie-egress: denied-by-user');

      const log = await cli.inProcess(['egress', 'log', 'door', '--host', host, '--json']);
      const entries = log.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(entries.filter(({ event }) => event === 'allowed')).toMatchObject([
        { path: '/one?key=***', rule: `approval ${one.id}`, runId: one.runId, tool: 'shell' },
      ]);
      expect(entries.filter(({ event }) => event === 'blocked')).toMatchObject([
        { path: '/two', reason: 'denied-by-user' },
      ]);
    } finally {
      run.child.kill('SIGKILL');
      await endpoint.close();
    }
  });

  it('may go on until its run ends when it is allowed for the run', async () => {
    seen.length = 0;
    const endpoint = await shellHome('run', `${get('/one')}; ${get('/two')}; ${get('/three')}`);
    const run = cli.start(['run', 'run'], { environment: { OPENAI_COMPATIBLE_API_KEY: 'none' } });
    try {
      const one = await waitForQuestion('run', '/one');
      expect((await cli.genie(['approve', 'run', one.id, '--allow-for-run'])).code).toBe(0);
      expect(await run.ended).toMatchObject({ code: 0 });
      expect(seen).toEqual(['/one', '/two', '/three'].map((path) => `GET ${host}:${port}${path}`));
      expect(endpoint.results[0]).not.toContain('x-genie-egress');
      const { stdout } = await cli.inProcess(['egress', 'grants', 'run', '--json']);
      expect(JSON.parse(stdout)).toEqual({ grants: [] });
    } finally {
      run.child.kill('SIGKILL');
      await endpoint.close();
    }
  });
});

import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { scenarioFacts } from '../conformance/model-suite.ts';
import { anthropicFormat } from '../wire/anthropic-format.ts';
import { chatCompletionsFormat } from '../wire/chat-completions-format.ts';
import { googleFormat } from '../wire/google-format.ts';
import { ollamaFormat } from '../wire/ollama-format.ts';
import { openaiFormat } from '../wire/openai-format.ts';
import { startWireServer } from '../wire/wire-server.ts';

const formats = {
  anthropic: anthropicFormat,
  openai: openaiFormat,
  google: googleFormat,
  'openai-compatible': chatCompletionsFormat,
  ollama: ollamaFormat,
} as const;

/** All five servers behind one address; counts requests that carry the key, so that the test cannot pass by sending none. */
async function startAll() {
  const servers = new Map<string, Awaited<ReturnType<typeof startWireServer>>>();
  for (const [name, format] of Object.entries(formats)) servers.set(name, await startWireServer(format));
  let withKey = 0;
  const front = createServer((request, response) => {
    const [, name = '', ...rest] = (request.url ?? '').split('/');
    if (JSON.stringify(request.headers).includes(scenarioFacts.key)) withKey += 1;
    const target = `${servers.get(name)?.url}/${rest.join('/')}`;
    const inner = forward(target, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    inner.on('error', () => response.destroy());
    request.pipe(inner);
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(front.address() as AddressInfo).port}`,
    withKey: () => withKey,
    close: async () => {
      front.closeAllConnections();
      front.close();
      for (const server of servers.values()) await server.close();
    },
  };
}

describe('a key of the user', () => {
  it('is sent to the provider and appears in no file, log, error or event', { timeout: 60_000 }, async () => {
    const servers = await startAll();
    const home = await mkdtemp(join(tmpdir(), 'genie-own-key-'));
    const script = fileURLToPath(new URL('../../../fixtures/own-key.ts', import.meta.url));
    const child = spawn(process.execPath, ['--conditions=@genie/source', script, servers.url, scenarioFacts.key], {
      cwd: home,
      env: { PATH: process.env.PATH, TMPDIR: home, HOME: home },
    });
    let output = '';
    child.stdout.on('data', (bytes) => {
      output += String(bytes);
    });
    child.stderr.on('data', (bytes) => {
      output += String(bytes);
    });
    await new Promise((resolve) => child.on('close', resolve));
    const files = await readdir(home, { recursive: true, withFileTypes: true });
    const written = await Promise.all(
      files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), 'latin1')),
    );
    await servers.close();
    await rm(home, { recursive: true });
    expect(output).toContain('done');
    expect(servers.withKey()).toBeGreaterThan(50);
    expect(written.length).toBeGreaterThan(0);
    const base64 = Buffer.from(scenarioFacts.key).toString('base64').slice(0, 20);
    for (const text of [output, ...written]) {
      expect(text.length).toBeGreaterThan(1_000);
      for (const trace of [scenarioFacts.key, scenarioFacts.key.slice(0, 12), scenarioFacts.key.slice(-8), base64]) {
        expect(
          text.includes(trace),
          `found ${trace}: ${text.slice(Math.max(0, text.indexOf(trace) - 200), text.indexOf(trace) + 60)}`,
        ).toBe(false);
      }
    }
  });
});

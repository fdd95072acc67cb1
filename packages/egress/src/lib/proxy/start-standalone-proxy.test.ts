import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { verifyAudit } from '../audit/query-audit.ts';
import { readQuestion, writeAnswer } from '../containment/dns-message.ts';
import { startOrigin } from '../testing/origin-server.ts';
import { startStandaloneProxy } from './start-standalone-proxy.ts';

const run = promisify(execFile);
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A DNS server that answers A with 127.0.0.1 and nothing else. */
async function startResolver(): Promise<{ readonly address: string; readonly names: string[] }> {
  const names: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => {
    const question = readQuestion(message);
    if (question === undefined) return;
    names.push(question.name);
    socket.send(
      writeAnswer(question, question.type === 1 ? { address: 0x7f000001 } : 'noData'),
      from.port,
      from.address,
    );
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  cleanups.push(() => socket.close());
  return { address: `127.0.0.1:${socket.address().port}`, names };
}

describe('startStandaloneProxy', () => {
  it('is all that the command line needs, tried with a real client', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'genie-proxy-'));
    cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
    const origin = await startOrigin();
    cleanups.push(() => origin.close());
    const resolver = await startResolver();
    const proxy = await startStandaloneProxy({
      host: '127.0.0.1',
      port: 0,
      auth: 'user:secret',
      allow: ['allowed.test'],
      allowPorts: [origin.port],
      allowPrivate: [`127.0.0.1:${origin.port}`],
      resolver: resolver.address,
      auditDir: dir,
    });
    cleanups.push(() => proxy.close());
    const curl = async (host: string, ...flags: string[]): Promise<string> => {
      const done = await run('curl', [
        '-s',
        '-m',
        '5',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code} %{http_connect}',
        '-x',
        proxy.url,
        ...flags,
        `http://${host}:${origin.port}/`,
      ]).catch((error: { stdout: string }) => error);
      return done.stdout;
    };
    expect(await curl('allowed.test')).toBe('407 000');
    expect(await curl('allowed.test', '-U', 'user:secret')).toBe('200 000');
    expect(await curl('allowed.test', '-U', 'user:secret', '-p')).toBe('200 200');
    expect(await curl('other.test', '-U', 'user:secret')).toBe('403 000');
    expect(new Set(resolver.names)).toEqual(new Set(['allowed.test']));
    expect(proxy.egress.grade).toBe('proxy');
    await proxy.close();
    expect(await verifyAudit(dir)).toMatchObject({ isIntact: true });
  });

  it('refuses a resolver, a password or an address that it cannot use', async () => {
    await expect(startStandaloneProxy({ allow: [], resolver: 'dns.test' })).rejects.toThrow('resolver: "dns.test"');
    await expect(startStandaloneProxy({ allow: [], auth: 'user' })).rejects.toThrow('user:password');
    await expect(startStandaloneProxy({ allow: [], allowPrivate: ['10.0.0.0/8'] })).rejects.toThrow(
      'exact address and port',
    );
    const first = await startStandaloneProxy({ allow: [] });
    cleanups.push(() => first.close());
    await expect(startStandaloneProxy({ allow: [], port: first.port })).rejects.toMatchObject({
      code: 'GENIE_EGRESS_LISTEN',
    });
  });
});

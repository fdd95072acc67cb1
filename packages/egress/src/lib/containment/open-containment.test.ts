import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditEntry } from '../audit/audit-record.ts';
import { createEgress, type Egress } from '../create-egress.ts';
import { type OriginServer, startOrigin } from '../testing/origin-server.ts';
import { explainContainment } from './explain-containment.ts';
import { type Containment, openContainment } from './open-containment.ts';

const run = promisify(execFile);
const report = await explainContainment();

describe.runIf(report.isAvailable)('openContainment', () => {
  let origin: OriginServer;
  let egress: Egress;
  let contained: Containment;
  const log: AuditEntry[] = [];

  beforeAll(async () => {
    origin = await startOrigin((request, response) => response.end(`hello ${request.url}`));
    egress = createEgress({
      allow: [{ host: 'allowed.test', ports: [80, 443, origin.port] }],
      allowPrivate: [`127.0.0.1:${origin.port}`],
      lookup: async () => ['127.0.0.1'],
      audit: {
        append(entry) {
          log.push(entry);
          return undefined;
        },
      },
    });
    contained = await openContainment(egress, {
      nameservers: ['10.255.255.53'],
      context: { genieId: 'contained' },
      maxConnections: 4,
    });
  });

  afterAll(async () => {
    await contained?.close();
    await egress?.close();
    await origin?.close();
  });

  const inside = async (script: string, environment: Readonly<Record<string, string>> = {}): Promise<string> => {
    const [command = '', ...flags] = contained.enter;
    const done = await run(command, [...flags, process.execPath, '-e', script], {
      env: { ...environment },
      timeout: 10_000,
    });
    return done.stdout.trim();
  };

  const connectTo = (host: string, port: number, send = ''): string => `
    const socket = require('node:net').connect({ host: ${JSON.stringify(host)}, port: ${port} }, () => socket.write(${JSON.stringify(send)}));
    let text = '';
    socket.setTimeout(2000, () => { console.log('silence'); process.exit(); });
    socket.on('data', (chunk) => { text += chunk; });
    socket.on('error', (error) => console.log(error.code));
    socket.on('close', () => console.log(text.split('\\r\\n')[0] || 'closed'));`;

  const resolve = (name: string, server: string): string => `
    const resolver = new (require('node:dns').Resolver)();
    resolver.setServers([${JSON.stringify(server)}]);
    resolver.resolve4(${JSON.stringify(name)}, (error, found) => console.log(error ? error.code : found[0]));`;

  it('is the highest grade while it is open', () => {
    expect(egress.grade).toBe('contained');
  });

  it('lets a program that knows the proxy reach what is allowed', async () => {
    const request = `GET http://allowed.test:${origin.port}/one HTTP/1.1\r\nHost: allowed.test:${origin.port}\r\nConnection: close\r\n\r\n`;
    expect(await inside(connectTo('127.0.0.1', 3128, request))).toBe('HTTP/1.1 200 OK');
    expect(log[0]).toMatchObject({ event: 'allowed', genieId: 'contained', host: 'allowed.test' });
  });

  it('gives every name an address of its own, without asking anybody', async () => {
    const first = await inside(resolve('allowed.test', '10.255.255.53'));
    const second = await inside(resolve('other.test', '10.255.255.53'));
    expect(first).toMatch(/^198\.1[89]\./);
    expect(second).toMatch(/^198\.1[89]\./);
    expect(second).not.toBe(first);
  });

  it('judges a program that knows no proxy by the name it looked up', async () => {
    const address = await inside(resolve('other.test', '10.255.255.53'));
    expect(await inside(connectTo(address, 80, 'GET / HTTP/1.1\r\nHost: other.test\r\n\r\n'))).toBe(
      'HTTP/1.1 403 Forbidden',
    );
    expect(await inside(connectTo(address, 80, 'GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n'))).toBe(
      'HTTP/1.1 400 Bad Request',
    );
    expect(log.filter((entry) => entry.event === 'blocked').map((entry) => entry.reason)).toEqual([
      'not-allowed',
      'host-mismatch',
    ]);
  });

  it('closes a fake address that was never given out', async () => {
    expect(await inside(connectTo('198.19.200.200', 80, 'GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n'))).toMatch(
      /closed$/,
    );
    expect(await inside(connectTo('198.19.200.200', 443, 'x'))).toMatch(/closed$/);
  });

  it.each([
    ['an address', '1.1.1.1', 443],
    ['a private address', '10.0.0.1', 80],
    ['the metadata service', '169.254.169.254', 80],
    ['IPv6', '2606:4700:4700::1111', 443],
  ])('has no route to %s', async (_what, host, port) => {
    expect(await inside(connectTo(host, port))).toMatch(/ENETUNREACH|EADDRNOTAVAIL|EHOSTUNREACH/);
  });

  it.each([3128, 80, 443])('takes no more connections at port %d than it may', async (port) => {
    const address = port === 3128 ? '127.0.0.1' : await inside(resolve('many.test', '10.255.255.53'));
    const script = `
      let open = 0;
      for (let index = 0; index < 8; index += 1)
        require('node:net').connect(${port}, '${address}', () => { open += 1; }).on('error', () => undefined).on('close', () => { open -= 1; });
      setTimeout(() => { console.log(open); process.exit(); }, 300);`;
    expect(await inside(script)).toBe('4');
  });

  it('does not reach the loopback of the machine', async () => {
    expect(await inside(connectTo('127.0.0.1', origin.port))).toMatch(/^ECONNREFUSED/);
  });

  it('takes the network away and lowers the grade when it is closed', async () => {
    await contained.close();
    await contained.close();
    expect(contained.isOpen).toBe(false);
    expect(egress.grade).toBe('in-process');
    await expect(inside('0')).rejects.toThrow();
  });
});

describe('explainContainment', () => {
  it('says what is missing, or that nothing is', () => {
    expect(report.isAvailable).toBe(report.missing.length === 0);
  });
});

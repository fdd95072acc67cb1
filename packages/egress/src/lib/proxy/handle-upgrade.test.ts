import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { WebSocket } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuditEntry, createEgress, type Egress, startProxy } from '../../index.ts';
import type { ProxyServer } from './start-proxy.ts';

const server = createServer((_request, response) => response.writeHead(426, { 'x-why': 'upgrade' }).end('no'));
const log: AuditEntry[] = [];
const seen: string[] = [];
let port: number;
let egress: Egress;
let proxy: ProxyServer;

beforeAll(async () => {
  // A WebSocket server as small as can be: it answers the handshake and echoes bytes, unmasking one short text frame.
  server.on('upgrade', (request, socket) => {
    if (request.url === '/hang-up') {
      socket.destroy();
      return;
    }
    if (request.url === '/decline') {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
      return;
    }
    seen.push(`${request.url} ${request.headers.host} ${request.headers['proxy-connection'] ?? 'none'}`);
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on('data', (frame: Buffer) => {
      const length = (frame[1] ?? 0) & 127;
      const text = frame.subarray(6, 6 + length).map((byte, index) => byte ^ (frame[2 + (index % 4)] ?? 0));
      if ((frame[0] ?? 0) === 0x81) socket.write(Buffer.concat([Buffer.from([0x81, length]), text]));
      else socket.end();
    });
    socket.on('end', () => socket.end());
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  egress = createEgress({
    allow: ['allowed.test'],
    ports: [port],
    allowPrivate: [`127.0.0.1:${port}`],
    lookup: async () => ['127.0.0.1'],
    audit: {
      append(entry) {
        log.push(entry);
        return undefined;
      },
    },
  });
  proxy = await startProxy(egress);
});

afterAll(async () => {
  await proxy.close();
  await egress.close();
  server.close();
  server.closeAllConnections();
});

const handshake = (target: string): string =>
  `GET ${target} HTTP/1.1\r\nHost: allowed.test:${port}\r\nConnection: Upgrade\r\nProxy-Connection: x\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;

/** Sends each text when the one before it was answered; resolves to everything that came back. */
function talk(...texts: readonly (string | Buffer)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(proxy.port, '127.0.0.1', () => socket.write(texts[0] ?? ''));
    let step = 1;
    let all = '';
    socket.on('data', (chunk) => {
      all += chunk.toString('latin1');
      if (step === texts.length) socket.end();
      else socket.write(texts[step] ?? '');
      step += 1;
    });
    socket.on('close', () => resolve(all)).on('error', reject);
  });
}

const frame = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);

describe('WebSocket', () => {
  it('passes in absolute form, with the headers for this hop left out', async () => {
    const reply = await talk(handshake(`http://allowed.test:${port}/chat`), frame);
    expect(reply).toMatch(/^HTTP\/1\.1 101 .*hi$/s);
    expect(seen.at(-1)).toBe(`/chat allowed.test:${port} none`);
  });

  it('passes inside a tunnel', async () => {
    const reply = await talk(
      `CONNECT allowed.test:${port} HTTP/1.1\r\nHost: allowed.test:${port}\r\n\r\n`,
      handshake('/inner'),
      frame,
    );
    expect(reply).toMatch(/200 Connection Established.*101 Switching Protocols.*hi$/s);
    expect(seen.at(-1)).toBe(`/inner allowed.test:${port} none`);
  });

  it('passes in process', async () => {
    const socket = new WebSocket(`ws://allowed.test:${port}/process`, { dispatcher: egress.dispatcher });
    const answer = new Promise((resolve, reject) => {
      socket.addEventListener('message', (event) => resolve(event.data));
      socket.addEventListener('error', () => reject(new Error('refused')));
    });
    socket.addEventListener('open', () => socket.send('hi'));
    expect(await answer).toBe('hi');
    socket.close();
  });

  it('is refused where the policy says no, in every form', async () => {
    const refused = handshake(`http://other.test:${port}/`).replace('Host: allowed.test', 'Host: other.test');
    expect(await talk(refused)).toContain('x-genie-egress: not-allowed');
    const socket = new WebSocket(`ws://other.test:${port}/`, { dispatcher: egress.dispatcher });
    await new Promise((resolve) => socket.addEventListener('error', resolve));
    expect(seen).toHaveLength(3);
  });

  it('ends with an answer and a line in the log when the server hangs up instead', async () => {
    log.length = 0;
    expect(await talk(handshake(`http://allowed.test:${port}/hang-up`))).toMatch(/^HTTP\/1\.1 502 /);
    expect(log.map((entry) => [entry.event, entry.reason])).toEqual([
      ['allowed', undefined],
      ['closed', 'unreachable'],
    ]);
  });

  it('gives the answer of a server that declines back, and writes it down', async () => {
    log.length = 0;
    const reply = await talk(handshake(`http://allowed.test:${port}/decline`));
    expect(reply).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n.*Connection: close\r\n\r\nno$/s);
    expect(log.at(-1)).toMatchObject({ event: 'closed', status: 403, bytesDown: 2 });
  });

  it('is written down with its bytes', async () => {
    log.length = 0;
    await talk(handshake(`http://allowed.test:${port}/chat`), frame);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(log.map((entry) => entry.event)).toEqual(['allowed', 'closed']);
    expect(log[1]?.bytesDown).toBeGreaterThanOrEqual(4);
  });
});

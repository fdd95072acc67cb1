import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createOpenConnections, type OpenConnections } from './open-connections.ts';

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
};

/** Two connections to a server that counts them. */
async function twoClients(book: OpenConnections): Promise<readonly Socket[]> {
  const server = createServer((socket) => {
    book.add(socket);
    socket.on('error', () => undefined).resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const clients = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  for (const client of clients) client.on('error', () => undefined).resume();
  cleanups.push(() => {
    server.close();
    for (const client of clients) client.destroy();
  });
  await until(() => book.size === 2);
  return clients;
}

describe('createOpenConnections', () => {
  it('drops who says nothing, and keeps who does', async () => {
    const book = createOpenConnections(200);
    const [talker, silent] = await twoClients(book);
    const talking = setInterval(() => talker?.write('x'), 20);
    cleanups.push(() => clearInterval(talking));
    await new Promise((resolve) => silent?.once('close', resolve));
    await until(() => book.size === 1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([book.size, talker?.destroyed]).toEqual([1, false]);
  });

  it('counts its time from the last byte, not from the first', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    cleanups.push(() => vi.useRealTimers());
    const book = createOpenConnections(200);
    const talker = Object.assign(new PassThrough(), { bytesRead: 0, bytesWritten: 0 });
    book.add(talker);
    for (let talks = 0; talks < 5; talks += 1) {
      talker.bytesRead += 1;
      vi.advanceTimersByTime(150);
      expect(talker.destroyed).toBe(false);
    }
    vi.advanceTimersByTime(150);
    expect(talker.destroyed).toBe(true);
    book.destroyAll();
  });

  it('drops nobody without a limit, and everybody at the end', async () => {
    const book = createOpenConnections(0);
    const [first, second] = await twoClients(book);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(book.size).toBe(2);
    book.destroyAll();
    await Promise.all([first, second].map((client) => new Promise((resolve) => client?.once('close', resolve))));
    await until(() => book.size === 0);
  });
});

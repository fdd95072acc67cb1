import { type AddressInfo, connect, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { createEgress } from '../create-egress.ts';
import { startProxy } from './start-proxy.ts';

it('lets go of a server that takes the connection and never speaks TLS', async () => {
  const gone = Promise.withResolvers<string>();
  const mute = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .on('close', () => gone.resolve('gone'))
      .resume();
  });
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const { port } = mute.address() as AddressInfo;
  const egress = createEgress({
    allow: ['mute.test'],
    allowPrivate: [`127.0.0.1:${port}`],
    lookup: async () => ['127.0.0.1'],
    credentials: [{ host: 'mute.test', port, header: 'authorization', value: 'Bearer x' }],
  });
  const proxy = await startProxy(egress, { idleTimeoutMs: 100 });
  const client = connect(proxy.port, '127.0.0.1', () =>
    client.write('GET http://mute.test/ HTTP/1.1\r\nHost: mute.test\r\n\r\n'),
  );
  client.on('error', () => undefined).resume();
  const late = new Promise<string>((resolve) => setTimeout(() => resolve('still connected'), 2_000));
  expect(await Promise.race([gone.promise, late])).toBe('gone');
  client.destroy();
  await proxy.close();
  await egress.close();
  mute.close();
});

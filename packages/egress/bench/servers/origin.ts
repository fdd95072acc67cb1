import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';

// A web server, and a TCP server that echoes small writes and answers "bulk <n>" with n megabytes.
const body = 'x'.repeat(200);
const web = createServer((_request, response) => {
  response.setHeader('content-length', body.length);
  response.end(body);
});
web.keepAliveTimeout = 60_000;

const megabyte = Buffer.alloc(1024 * 1024, 7);
const tcp = createTcpServer((socket) => {
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  let isFirst = true;
  socket.on('data', (chunk) => {
    const bulk = isFirst ? undefined : /^bulk (\d+)/.exec(chunk.subarray(0, 20).toString('latin1'));
    isFirst = false;
    if (bulk) sendBulk(Number(bulk[1]));
    else socket.write(chunk);
  });
  const sendBulk = (left: number): void => {
    if (left === 0) return;
    if (socket.write(megabyte)) setImmediate(sendBulk, left - 1);
    else socket.once('drain', () => sendBulk(left - 1));
  };
});

web.listen(0, '127.0.0.1', () =>
  tcp.listen(0, '127.0.0.1', () =>
    process.send?.({ web: (web.address() as AddressInfo).port, tcp: (tcp.address() as AddressInfo).port }),
  ),
);
process.on('disconnect', () => process.exit(0));

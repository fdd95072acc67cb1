import { Agent, createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

// The least that forwards: no policy, no checks, every name is 127.0.0.1.
const agent = new Agent({ keepAlive: true, maxFreeSockets: 128 });
const server = createServer((request, response) => {
  const { port, pathname, search } = new URL(request.url ?? '');
  const upstream = httpRequest(
    { agent, host: '127.0.0.1', port, path: pathname + search, method: request.method, headers: request.headers },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    },
  );
  upstream.on('error', () => response.destroy());
  request.pipe(upstream);
});
server.on('connect', (request, client, head) => {
  const upstream = connect({ host: '127.0.0.1', port: Number(request.url?.split(':')[1]), noDelay: true }, () => {
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    upstream.write(head);
    client.pipe(upstream);
    upstream.pipe(client);
  });
  upstream.on('error', () => client.destroy());
  client.on('error', () => upstream.destroy());
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit(0));

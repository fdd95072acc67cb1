import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface LocalServer extends AsyncDisposable {
  /** `http://127.0.0.1:port`, no slash at the end. */
  readonly url: string;
}

export type Route = (request: IncomingMessage, response: ServerResponse) => void;

/** A real web server on the loopback address; unknown paths answer 404. */
export async function localServer(routes: Readonly<Record<string, Route>>): Promise<LocalServer> {
  const server = createServer((request, response) => {
    const route = routes[(request.url ?? '/').split('?')[0] ?? '/'];
    if (route) route(request, response);
    else response.writeHead(404).end('not here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A route that always gives the same content. */
export function page(contentType: string, content: string | Uint8Array, headers: Record<string, string> = {}): Route {
  return (_request, response) => response.writeHead(200, { 'content-type': contentType, ...headers }).end(content);
}

import { createSocket } from 'node:dgram';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A web site on loopback whose answers the test holds back or changes. */
export interface FeedServer {
  readonly url: string;
  readonly address: string;
  readonly port: number;
  requests(): number;
  /** Answers are held back from now on, or given again (those held back too). */
  hold(isHeld: boolean): void;
  setTitles(titles: readonly string[]): void;
  close(): Promise<void>;
}

export async function openFeedServer(titles: readonly string[]): Promise<FeedServer> {
  let [requests, isHeld, entries] = [0, false, titles];
  const waiting: (() => void)[] = [];
  const server: Server = createServer((_request, response) => {
    requests += 1;
    const answer = (): void =>
      void response.writeHead(200, { 'content-type': 'application/atom+xml' }).end(atom(entries));
    if (isHeld) waiting.push(answer);
    else answer();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const address = `127.0.0.1:${port}`;
  return {
    url: `http://${address}/feed.xml`,
    address,
    port,
    requests: () => requests,
    hold(held) {
      isHeld = held;
      if (!held) for (const answer of waiting.splice(0)) answer();
    },
    setTitles: (next) => {
      entries = next;
    },
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}

function atom(titles: readonly string[]): string {
  const items = titles.map(
    (title, index) =>
      `<entry><title>${title}</title><id>urn:test:${title}</id><updated>2026-01-0${index + 1}T00:00:00Z</updated><link href="http://example.test/${index}"/><summary>${title} in detail.</summary></entry>`,
  );
  return `<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title><id>urn:test</id><updated>2026-01-01T00:00:00Z</updated>${items.join('')}</feed>`;
}

/** A DNS server on loopback that knows one address for every name, so that hosts with names can be tested without a network. */
export interface NameServer {
  /** `ip:port` for `createResolverLookup`. */
  readonly address: string;
  close(): Promise<void>;
}

/** Answers A questions with 127.0.0.1 and all others with nothing (RFC 1035, section 4). */
export async function openNameServer(): Promise<NameServer> {
  const socket = createSocket('udp4');
  socket.on('message', (question, from) => {
    const end = question.indexOf(0, 12) + 5;
    const isAddress = question.readUInt16BE(end - 4) === 1;
    const header = Buffer.from(question.subarray(0, 12));
    header.writeUInt16BE(0x8580, 2);
    header.writeUInt16BE(isAddress ? 1 : 0, 6);
    header.writeUInt16BE(0, 8);
    header.writeUInt16BE(0, 10);
    const answer = isAddress ? Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]) : Buffer.alloc(0);
    socket.send(Buffer.concat([header, question.subarray(12, end), answer]), from.port, from.address);
  });
  await new Promise<void>((done) => void socket.bind(0, '127.0.0.1', () => done()));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    close: () => new Promise((done) => void socket.close(() => done())),
  };
}

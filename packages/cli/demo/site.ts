import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Lookup } from '@genie/egress';

/** A web site on this machine that stands for one on the internet. */
export interface Site {
  readonly host: string;
  /** The address of its feed, by name. */
  readonly feedUrl: string;
  /** `ip:port`, which the operator allows the name to resolve to. */
  readonly privateAddress: string;
  readonly lookup: Lookup;
  /** Requests that arrived. */
  requests(): number;
  close(): Promise<void>;
}

const feed = `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
  <title>Runtime releases</title>
  <id>urn:demo:releases</id>
  <updated>2026-01-15T09:00:00Z</updated>
  <entry>
    <title>Runtime 24.21 changed its HTTP parser</title>
    <id>urn:demo:releases:24.21</id>
    <updated>2026-01-15T09:00:00Z</updated>
    <link href="https://releases.example.test/24.21"/>
    <summary>Who should care: every repository with a server that accepts connections from strangers.</summary>
  </entry>
  <entry>
    <title>Runtime 24.20 starts faster</title>
    <id>urn:demo:releases:24.20</id>
    <updated>2026-01-02T09:00:00Z</updated>
    <link href="https://releases.example.test/24.20"/>
    <summary>Command lines start in half the time.</summary>
  </entry>
</feed>
`;

export async function openSite(): Promise<Site> {
  const host = 'releases.example.test';
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.writeHead(200, { 'content-type': 'application/atom+xml' }).end(feed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    host,
    feedUrl: `http://${host}:${port}/feed.xml`,
    privateAddress: `127.0.0.1:${port}`,
    lookup: () => Promise.resolve(['127.0.0.1']),
    requests: () => requests,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

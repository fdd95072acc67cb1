import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ModelScenario } from '../conformance/model-suite.ts';

/** How one provider writes each scenario. Bodies are what the provider's documentation shows. */
export interface WireFormat {
  /** `text/event-stream` or `application/x-ndjson`. */
  readonly streamType: string;
  isStream(request: IncomingMessage, body: string): boolean;
  readonly text: Answer;
  readonly toolCalls: Answer;
  /** Pieces of a stream up to the middle of the text. */
  readonly beginning: readonly string[];
  /** What the provider sends inside a stream when it is overloaded. */
  readonly errorInStream: string;
  error(kind: ErrorScenario): { readonly status: number; readonly body: unknown };
}

export type ErrorScenario = Extract<
  ModelScenario,
  'auth' | 'rate-limit' | 'quota' | 'overloaded' | 'server-error' | 'context-length' | 'model-unknown' | 'echoes-key'
>;

interface Answer {
  readonly whole: unknown;
  readonly pieces: readonly string[];
}

export interface WireServer {
  readonly url: string;
  readonly requests: string[];
  close(): Promise<void>;
}

/** A server on the loopback interface that speaks a provider's wire format; the first path segment names the scenario. */
export async function startWireServer(format: WireFormat): Promise<WireServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      requests.push(body);
      const scenario = request.url?.split('/')[1] as ModelScenario;
      void play(scenario, format, format.isStream(request, body), response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function play(
  scenario: ModelScenario,
  format: WireFormat,
  streams: boolean,
  response: ServerResponse,
): Promise<void> {
  switch (scenario) {
    case 'text':
      return reply(format.text, format, streams, response);
    case 'tool-calls':
      return reply(format.toolCalls, format, streams, response);
    case 'garbage':
      return json(response, 200, { unexpected: ['form'] });
    case 'silent':
      return;
    case 'error-in-stream':
      return pieces([...format.beginning, format.errorInStream], format, response);
    case 'short-stream':
      return pieces(format.beginning, format, response);
    case 'broken-stream':
      response.writeHead(200, { 'content-type': format.streamType });
      for (const piece of format.beginning) response.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 20));
      response.destroy();
      return;
    default: {
      const { status, body } = format.error(scenario);
      if (scenario === 'rate-limit') response.setHeader('retry-after', '2');
      return json(response, status, body);
    }
  }
}

async function reply(answer: Answer, format: WireFormat, streams: boolean, response: ServerResponse): Promise<void> {
  if (streams) return pieces(answer.pieces, format, response);
  return json(response, 200, answer.whole);
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** Cuts the bytes at awkward places, also inside characters, as networks do. */
async function pieces(texts: readonly string[], format: WireFormat, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': format.streamType });
  const bytes = Buffer.from(texts.join(''));
  for (let at = 0; at < bytes.length; at += 37) {
    response.write(bytes.subarray(at, at + 37));
    if (at % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  response.end();
}

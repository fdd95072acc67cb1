import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** A model server that speaks OpenAI's chat completions: it runs one command, and then reports what it saw. */
export interface ScriptedEndpoint {
  /** For `modelBaseUrl`. */
  readonly baseUrl: string;
  /** What the command printed, as the model was told it. */
  readonly results: readonly string[];
  close(): Promise<void>;
}

interface ChatRequest {
  readonly stream?: boolean;
  readonly messages: readonly { readonly role: string; readonly content?: unknown }[];
}

export async function openScriptedEndpoint(command: string): Promise<ScriptedEndpoint> {
  const results: string[] = [];
  const server = createServer(async (request, response) => {
    const { messages, stream } = (await json(request)) as ChatRequest;
    const told = messages.filter(({ role }) => role === 'tool').map(({ content }) => JSON.stringify(content));
    results.push(...told.slice(results.length));
    const call = {
      id: 'call_1',
      type: 'function',
      function: { name: 'shell', arguments: JSON.stringify({ command }) },
    };
    answer(
      response,
      stream === true,
      told.length === 0 ? { tool_calls: [{ index: 0, ...call }] } : { content: 'Done.' },
    );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    results,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}

function answer(response: ServerResponse, isStream: boolean, message: Readonly<Record<string, unknown>>): void {
  const finish = 'content' in message ? 'stop' : 'tool_calls';
  const shared = { id: 'chat_1', created: 1, model: 'scripted' };
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
  const said = { role: 'assistant', content: null, ...message };
  if (!isStream) {
    const body = {
      ...shared,
      object: 'chat.completion',
      choices: [{ index: 0, message: said, finish_reason: finish }],
      usage,
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    return;
  }
  const chunk = (choice: object, more: object = {}): string =>
    `data: ${JSON.stringify({ ...shared, object: 'chat.completion.chunk', choices: [{ index: 0, ...choice }], ...more })}\n\n`;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(chunk({ delta: said, finish_reason: null }));
  response.end(`${chunk({ delta: {}, finish_reason: finish }, { usage })}data: [DONE]\n\n`);
}

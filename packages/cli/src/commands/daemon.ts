import type { Command } from '../lib/cli/command.ts';
import { exitCodes } from '../lib/cli/exit-codes.ts';

export const command: Command = {
  name: 'daemon',
  summary: 'serve local models to genies and other programs',
  usage: 'daemon --model [ID=]FILE… [options]',
  description:
    'GGUF models in processes of their own, behind the HTTP API of OpenAI on this machine. Runs until Ctrl-C, then answers what waits.',
  flags: {
    model: {
      type: 'text',
      value: '[ID=]FILE',
      repeatable: true,
      variadic: true,
      help: 'a GGUF file, and what clients call it (default: GENIE_LOCAL_MODEL)',
    },
    genome: {
      type: 'text',
      value: 'ID=[MODEL+]LAYER[*WEIGHT]+…',
      repeatable: true,
      variadic: true,
      help: 'a model with LoRA layers on it, under a name of its own',
    },
    embedder: {
      type: 'text',
      value: 'ID=hash|transformers/FOLDER',
      repeatable: true,
      variadic: true,
      help: 'answers /v1/embeddings',
    },
    host: { type: 'text', value: 'HOST', help: 'where it listens (default 127.0.0.1; others need a token)' },
    port: { type: 'number', value: 'PORT', help: 'which port (default 11500)' },
    workers: { type: 'number', value: 'N', help: 'processes for each model, 1 to 4 (default 1)' },
    threads: { type: 'number', value: 'N', help: 'threads of a worker (default: the cores, shared)' },
    context: { type: 'number', value: 'TOKENS', help: 'tokens of a conversation (default 8192)' },
    cache: { type: 'text', value: 'DIR', help: 'where what was read is kept while it runs (default: in GENIE_HOME)' },
    drain: { type: 'number', value: 'SECONDS', help: 'how long it goes on to answer after Ctrl-C (default 20)' },
  },
  examples: [
    ['genie daemon --model qwen=./models/qwen3-4b.gguf', 'one model'],
    ['genie daemon --model ./qwen3-4b.gguf --genome terse=./terse.gguf*0.8', 'and a genome on it'],
    ['curl http://127.0.0.1:11500/v1/models', 'what it serves'],
    ['curl http://127.0.0.1:11500/metrics', 'how it fares'],
  ],
  stopsByItself: true,
  maxPositionals: 0,
  async run(context) {
    const [{ readServed }, { serveModels }] = await Promise.all([
      import('../lib/daemon/read-served.ts'),
      import('../lib/daemon/serve-models.ts'),
    ]);
    const { terminal, signal } = context;
    const serving = await serveModels(readServed(context), signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
      return undefined;
    });
    if (!serving) return exitCodes.cancelled;
    try {
      const { url, models } = serving;
      terminal.print(`Listening on ${url}/v1 · ${models.join(', ')}`);
      terminal.printJson({ event: 'listening', url, models });
      if (!signal.aborted)
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      terminal.note('Answering what waits; Ctrl-C again ends it at once.');
    } finally {
      await serving.close();
    }
    terminal.printJson({ event: 'closed' });
    return exitCodes.ok;
  },
};

import type { ContainerOutput, ContainerSession, Orchestrator } from '../orchestrator/orchestrator.ts';
import { readInspection } from './read-inspection.ts';

const prompt = 'read-only > ';
const help =
  'Commands: ls cat head tail wc grep find stat du df ps pwd date env printenv uname id. One a line; no shell.\r\n';
const lineBytes = 4_096;

/**
 * Looks like a terminal, but holds no shell: each line is read here, checked against the list of inspection commands, and run as a program with
 * arguments. The view is of the genie's own container, as its own user, so what is read is what the genie itself could read.
 */
export async function createInspector(target: {
  readonly orchestrator: Orchestrator;
  readonly name: string;
}): Promise<ContainerSession> {
  const screen = createScreen();
  const ended = Promise.withResolvers<{ readonly exitCode: number | undefined }>();
  let line = '';
  let running: ContainerSession | undefined;
  let closed = false;
  let work: Promise<void> = Promise.resolve();
  const close = async () => {
    if (closed) return;
    closed = true;
    await running?.close();
    screen.end();
    ended.resolve({ exitCode: 0 });
  };
  const runLine = async (text: string) => {
    if (closed) return;
    const read = readInspection(text);
    if (read.kind === 'exit') return close();
    if (read.kind === 'refused') screen.print(`${read.reason}\r\n`);
    if (read.kind === 'help') screen.print(help);
    if (read.kind === 'command') await runCommand(read.command);
    if (!closed) screen.print(prompt);
  };
  const runCommand = async (command: readonly [string, ...string[]]) => {
    try {
      running = await target.orchestrator.exec(target.name, { command });
      running.end();
      for await (const { data } of running.output)
        screen.print(Buffer.from(data).toString('utf8').replace(/\r?\n/g, '\r\n'));
    } catch (error) {
      screen.print(`${error instanceof Error ? error.message : String(error)}\r\n`);
    } finally {
      await running?.close().catch(() => undefined);
      running = undefined;
    }
  };
  screen.print(`${help}${prompt}`);
  return {
    output: screen.output,
    ended: ended.promise,
    async write(data) {
      for (const character of typeof data === 'string' ? data : Buffer.from(data).toString('utf8')) {
        if (character === '\r' || character === '\n') {
          const text = line;
          line = '';
          screen.print('\r\n');
          work = work.then(() => runLine(text));
        } else if (character === '\u0003') {
          line = '';
          await running?.close();
          screen.print(`^C\r\n${running ? '' : prompt}`);
        } else if (character === '\u0004') await close();
        else if (character === '\u007f' || character === '\b') {
          if (line !== '') screen.print('\b \b');
          line = line.slice(0, -1);
        } else if (character >= ' ' && line.length < lineBytes) {
          line += character;
          screen.print(character);
        }
      }
    },
    end: () => void close(),
    resize: async () => undefined,
    close,
  };
}

interface Screen {
  print(text: string): void;
  end(): void;
  readonly output: AsyncIterable<ContainerOutput>;
}

function createScreen(): Screen {
  const waiting: Uint8Array[] = [];
  let isOver = false;
  let wake: () => void = () => undefined;
  return {
    print(text) {
      waiting.push(new TextEncoder().encode(text));
      wake();
    },
    end() {
      isOver = true;
      wake();
    },
    output: (async function* () {
      for (;;) {
        const data = waiting.shift();
        if (data) yield { stream: 'stdout' as const, data };
        else if (isOver) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    })(),
  };
}

import { PassThrough } from 'node:stream';
import { createEventBus, createMemoryApprovals, type RunHandle, type RunOutcome } from '@genie/core';
import { homeFolders } from '@genie/core/home';
import { createIds, type EventOf, systemClock } from '@genie/core/ports';
import { describe, expect, it } from 'vitest';
import { type FlagValue, FlagValues } from '../cli/flag-values.ts';
import { createTerminal } from '../terminal/terminal.ts';
import { conductRun } from './conduct-run.ts';

const held: EventOf<'approval.requested'> = {
  type: 'approval.requested',
  at: 1,
  source: 'egress',
  runId: 'run_1',
  approvalId: 'apr_1',
  kind: 'egress',
  title: 'Read http://new.example.test (GET, asked by shell)',
};
const decided = {
  type: 'approval.decided',
  at: 2,
  source: 'egress',
  runId: 'run_1',
  approvalId: 'apr_1',
  status: 'allowed',
  by: 'cli',
} as const;

/** Conducts a run that lasts until `meanwhile` returns; tells what was printed. */
async function conduct(
  meanwhile: (events: ReturnType<typeof createEventBus>, shown: () => string) => void,
  {
    json = false,
    flags = [],
  }: { readonly json?: boolean; readonly flags?: readonly (readonly [string, FlagValue])[] } = {},
) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()].map((stream) => {
    let text = '';
    stream.on('data', (chunk) => (text += String(chunk)));
    return { stream: stream as unknown as NodeJS.WriteStream, text: () => text };
  }) as [Printed, Printed];
  const streams = {
    stdin: new PassThrough() as unknown as NodeJS.ReadStream,
    stdout: stdout.stream,
    stderr: stderr.stream,
  };
  const terminal = createTerminal({ ...streams, json, debug: false, color: false, environment: {} });
  const events = createEventBus();
  const ids = createIds(systemClock);
  const handle: RunHandle = {
    runId: 'run_1',
    outcome: Promise.resolve({ runId: 'run_1', status: 'completed' } as RunOutcome),
    cancel: () => undefined,
    async *[Symbol.asyncIterator]() {
      yield {
        type: 'tool.called',
        at: 0,
        source: 'core.loop',
        runId: 'run_1',
        step: 1,
        callId: 'c',
        tool: 'shell',
        input: {},
      } as never;
      meanwhile(events, stderr.text);
    },
  };
  await conductRun({
    context: { terminal, signal: new AbortController().signal, flags: new FlagValues(new Map(flags)) },
    open: {
      approvals: createMemoryApprovals({ clock: systemClock, ids }),
      folders: homeFolders('/homes/news'),
      genie: { events },
      resume: () => Promise.resolve(handle),
    },
    start: () => handle,
    ask: false,
  });
  return { events, notes: stderr.text(), output: stdout.text() };
}

interface Printed {
  readonly stream: NodeJS.WriteStream;
  readonly text: () => string;
}

describe('conductRun', () => {
  it('tells while the run goes on that a connection waits, with the command that decides it', async () => {
    const { notes } = await conduct((events, shown) => {
      events.emit(held);
      expect(shown()).toContain('? Read http://new.example.test (GET, asked by shell) waits for you\n');
      expect(shown()).toContain('in a second terminal: genie approve news apr_1 --allow-once\n');
      events.emit(decided);
    });
    expect(notes).toContain('✓ allowed by cli\n');
  });

  it('names a home that is in no folder of homes', async () => {
    const { notes } = await conduct((events) => events.emit(held), { flags: [['home', '/homes/news']] });
    expect(notes).toContain('genie approve --home /homes/news apr_1 --allow-once\n');
  });

  it('shows the same as JSON lines', async () => {
    const { output, notes } = await conduct((events) => events.emit(held), { json: true });
    expect(
      output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).type),
    ).toEqual(['tool.called', 'approval.requested']);
    expect(notes).toBe('');
  });

  it('says nothing about other runs, about what the run itself tells, and after it ended', async () => {
    const { events, notes } = await conduct((bus) => {
      bus.emit({ ...held, runId: 'run_2' });
      bus.emit({ ...held, source: 'core.loop' });
    });
    events.emit(held);
    expect(notes).not.toContain('waits for you');
    expect(events.listenerCount('approval.requested')).toBe(0);
  });
});

import { join } from 'node:path';
import { measureInChild } from './child.ts';
import { plainFlags, writePlainScripts } from './plain-scripts.ts';
import { atMost, info, median, type Row } from './rounds.ts';

interface Options {
  readonly log: (line: string) => void;
}

interface Together {
  readonly wallMs: number;
  readonly maxBlockMs: number;
  readonly maxRssMb: number;
}

/** Many runs: at once, and one after the other. Each measurement in fresh processes, in turn. */
export async function bench({ log }: Options): Promise<Row[]> {
  const script = join(writePlainScripts(['scale-process', 'workload', 'bare-loop']), 'scale-process.js');
  const measure = (name: string) => measureInChild<Together>(script, { args: [name], flags: plainFlags });
  const floor: Together[] = [];
  const loop: Together[] = [];
  const read: Together[] = [];
  for (let round = 0; round < 5; round += 1) {
    floor.push(measure('floor'));
    loop.push(measure('loop'));
    read.push(measure('read'));
  }
  log(`1,000 runs at once, medians of ${loop.length} processes each`);
  const of = (results: readonly Together[], member: keyof Together) => median(results.map((result) => result[member]));
  const heap = measureInChild<{ slopeBytes: number; rssGrowthMb: number }>(script, {
    args: ['heap'],
    // The engine doubles its young generation once, by 8 MB, at a moment of its own: with its final size from the start, what
    // is measured is what the runs leave behind.
    flags: [...plainFlags, '--expose-gc', '--min-semi-space-size=16', '--max-semi-space-size=16'],
  });
  const against = (results: readonly Together[]) =>
    median(results.map((result, index) => result.wallMs / (floor[index]?.wallMs ?? Number.NaN)));
  return [
    info(
      'core.together.floor-wall',
      '1,000 bare loops on streams at once, 10 steps, 5 ms model',
      of(floor, 'wallMs'),
      'ms',
    ),
    info('core.together.floor-rss', 'the same, memory of the process', of(floor, 'maxRssMb'), 'MB'),
    info(
      'core.together.floor-block',
      'the same, longest time the event loop was blocked',
      of(floor, 'maxBlockMs'),
      'ms',
    ),
    info('core.together.wall-ms', '1,000 runs at once, events emitted', of(loop, 'wallMs'), 'ms'),
    atMost('core.together.wall', 'the same against the floor', against(loop), '×', 1.4),
    atMost('core.together.rss', 'the same, memory of the process', of(loop, 'maxRssMb'), 'MB', 150),
    atMost(
      'core.together.block',
      'the same, longest time the event loop was blocked',
      of(loop, 'maxBlockMs'),
      'ms',
      25,
    ),
    info('core.together.read-wall', 'the same streamed, every event read, against the floor', against(read), '×'),
    info('core.together.read-rss', 'the same streamed, memory of the process', of(read, 'maxRssMb'), 'MB'),
    atMost('core.heap.slope', 'heap that stays of a run, over 10,000 runs', heap.slopeBytes, 'B', 50),
    atMost(
      'core.heap.rss-growth',
      'growth of the process over those runs, young generation of a fixed size',
      heap.rssGrowthMb,
      'MB',
      5,
    ),
  ];
}

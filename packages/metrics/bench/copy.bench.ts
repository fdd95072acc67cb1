import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { localFolderSandbox } from '@genie/metrics';
import type { Row } from './store.bench.ts';

const megabyte = 1024 * 1024;
const smallFiles = 2_000;
const rounds = 2;

/** A home of a gigabyte copied for an experiment, in turn with `cp -a`. `GENIE_BENCH_COPY_MB` sets the size, `GENIE_BENCH_COPY_DIR` the disk. */
export async function bench({ log }: { readonly log: (line: string) => void }): Promise<Row[]> {
  const total = Number(process.env.GENIE_BENCH_COPY_MB ?? 1024);
  const base = mkdtempSync(path.join(process.env.GENIE_BENCH_COPY_DIR ?? tmpdir(), 'genie-copy-bench-'));
  try {
    const home = path.join(base, 'home');
    makeHome(home, total);
    const sandbox = localFolderSandbox(path.join(base, 'copies'));
    const own: number[] = [];
    const plain: number[] = [];
    let reports = 0;
    let bytes = 0;
    for (let round = 0; round < rounds; round += 1) {
      flush();
      const from = performance.now();
      const onProgress = (): void => {
        reports += 1;
      };
      ({ bytes } = await sandbox.create({ id: `copy-${round}`, from: home, onProgress }));
      flush();
      own.push(performance.now() - from);
      await sandbox.remove(`copy-${round}`);
      const target = path.join(base, 'plain');
      const startedAt = performance.now();
      execFileSync('cp', ['-a', home, target]);
      flush();
      plain.push(performance.now() - startedAt);
      rmSync(target, { recursive: true });
      log(`round ${round + 1}: ${(own.at(-1) ?? 0).toFixed(0)} ms, cp -a ${(plain.at(-1) ?? 0).toFixed(0)} ms`);
    }
    const ownMs = Math.min(...own);
    const plainMs = Math.min(...plain);
    const atDiskSpeed = ownMs <= 1_000 || ownMs <= plainMs * 1.25;
    const what = `copy of a home of ${Math.round(bytes / megabyte)} MB in ${smallFiles + 4} files, flushed (best of ${rounds}; cp -a: ${plainMs.toFixed(0)} ms)`;
    return [
      {
        id: 'metrics.experiment.copy',
        what,
        value: round1(ownMs),
        unit: 'ms',
        reach: '<= 1 s, or 1.25 of cp -a',
        ok: atDiskSpeed,
      },
      {
        id: 'metrics.experiment.copy.ratio',
        what: 'the same against cp -a',
        value: round1(ownMs / plainMs),
        unit: '×',
        reach: null,
        ok: true,
      },
      {
        id: 'metrics.experiment.copy.progress',
        what: 'reports of progress for each copy',
        value: Math.round(reports / rounds),
        unit: '',
        reach: '>= 2',
        ok: reports / rounds >= 2,
      },
    ];
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

/** Four large files of random bytes and many small ones, on the disk. */
function makeHome(home: string, totalMb: number): void {
  mkdirSync(path.join(home, 'history'), { recursive: true });
  const block = randomFillSync(Buffer.allocUnsafe(megabyte));
  for (let file = 0; file < 4; file += 1) {
    const descriptor = openSync(path.join(home, `large-${file}.bin`), 'w');
    for (let written = 0; written < totalMb / 4; written += 1) writeSync(descriptor, block);
    fsyncSync(descriptor);
    closeSync(descriptor);
  }
  for (let file = 0; file < smallFiles; file += 1)
    writeFileSync(path.join(home, 'history', `run-${file}.json`), block.subarray(0, 2_000));
}

/** Both sides are measured until their bytes are on the disk. */
function flush(): void {
  execFileSync('sync');
}

function round1(value: number): number {
  return Number(value.toPrecision(4));
}

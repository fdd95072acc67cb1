import { fork } from 'node:child_process';
import { startS3 } from '../src/lib/s3/testing/s3-for-tests.ts';

interface Report {
  readonly megabytes: number;
  readonly baseMegabytes: number;
  readonly seconds: number;
  readonly isEqual: boolean;
}

/** A gigabyte to the S3 server and back, in a process that does nothing else. */
export async function bench({ log }: { readonly log: (line: string) => void }) {
  const server = await startS3();
  const child = fork(new URL('./objects-process.ts', import.meta.url), [JSON.stringify(server.options)], {
    execArgv: ['--conditions=@genie/source', '--disable-warning=ExperimentalWarning', '--expose-gc'],
  });
  const report = await new Promise<Report>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Report));
    child.once('exit', (code) => reject(new Error(`it ended with ${code}`)));
  });
  await server.close();
  log(JSON.stringify(report));
  return [
    {
      id: 'adapters.s3.memory',
      what: 'resident memory that 1 GB to S3 and back adds to the process',
      value: report.megabytes - report.baseMegabytes,
      unit: 'MB',
      reach: '≤ 64',
      ok: report.megabytes - report.baseMegabytes <= 64,
    },
    {
      id: 'adapters.s3.memory-whole',
      what: 'resident memory of the whole process, Node and SDK included',
      value: report.megabytes,
      unit: 'MB',
      reach: null,
      ok: true,
    },
    {
      id: 'adapters.s3.checksum',
      what: '1 GB came back with another checksum',
      value: report.isEqual ? 0 : 1,
      unit: 'times',
      reach: '= 0',
      ok: report.isEqual,
    },
  ];
}

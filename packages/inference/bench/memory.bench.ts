import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findLlama } from '../src/lib/testing/find-llama.ts';
import { atMost, type BenchOptions, noted, type Row } from './rows.ts';
import { modelFiles } from './workload.ts';

/** Memory that 20 genomes take beside the base model: one context with slots, against a context for each. */
export async function bench({ log }: BenchOptions): Promise<Row[]> {
  const llamaModule = findLlama(process.env);
  if (llamaModule === undefined) {
    log('node-llama-cpp is not installed: the memory of genomes is not measured');
    return [];
  }
  const { model, layers } = await modelFiles('134M', 20);
  const script = fileURLToPath(new URL('../fixtures/genome-memory.ts', import.meta.url));
  const measure = async (mode: '20' | '5' | 'contexts') => {
    log(`memory of 20 genomes, ${mode} …`);
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--conditions=@genie/source',
      script,
      mode,
      model,
      llamaModule,
      ...layers,
    ]);
    return Number(stdout.trim().split('\n').at(-1));
  };
  const contexts = await measure('contexts');
  const inMemory = await measure('5');
  return [
    noted('genome-memory-contexts', 'memory of 20 genomes beside the model, a context each', contexts / 2 ** 20, 'MiB'),
    noted('genome-memory-ours', 'memory of 20 genomes beside the model, 5 slots and files', inMemory / 2 ** 20, 'MiB'),
    atMost(
      'genome-memory',
      'memory of 20 genomes against a context each, 5 conversations in memory and the rest in files',
      inMemory / contexts,
      '×',
      0.334,
    ),
    noted('genome-memory-20', 'the same with all 20 conversations in memory', (await measure('20')) / contexts, '×'),
  ];
}

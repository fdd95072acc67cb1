import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineTool, type Tool } from '@genie/core';
import { z } from 'zod';
import { openConfinedFolder } from '../src/lib/confine/confined-folder.ts';
import { readBytes } from '../src/lib/files/read-text.ts';
import { toolContext } from '../src/lib/testing/tool-context.ts';
import { createToolbox } from '../src/lib/toolbox/create-toolbox.ts';
import { atMost, interleave, type Row } from './measure.ts';

const batch = 200;

/** What confinement costs a read, and what the toolbox costs a call. */
export async function bench({ log }: { readonly log: (line: string) => void }): Promise<Row[]> {
  return [await readRow(log), await callRow(log)];
}

async function readRow(log: (line: string) => void): Promise<Row> {
  const path = mkdtempSync(join(tmpdir(), 'genie-bench-'));
  writeFileSync(join(path, 'a.txt'), 'x'.repeat(4000));
  const folder = openConfinedFolder(path);
  const confined = () => {
    const file = folder.openFile('a.txt');
    try {
      return readBytes(file, 0, 10_000);
    } finally {
      file.close();
    }
  };
  try {
    const times = await interleave(
      {
        plain: async () => {
          for (let index = 0; index < batch; index += 1) await readFile(join(path, 'a.txt'));
        },
        confined: async () => {
          for (let index = 0; index < batch; index += 1) await confined();
        },
      },
      50,
    );
    const [plain, checked] = [(times.plain / batch) * 1000, (times.confined / batch) * 1000];
    log(`readFile: ${plain.toFixed(1)} µs, confined: ${checked.toFixed(1)} µs`);
    return atMost('tools.files.read', 'a confined read of 4 kB over a plain readFile', {
      value: checked - plain,
      unit: 'µs',
      limit: 25,
    });
  } finally {
    folder.close();
    rmSync(path, { recursive: true, force: true });
  }
}

async function callRow(log: (line: string) => void): Promise<Row> {
  const input = z.object({ path: z.string(), limit: z.number().int().default(10) });
  const bare = (request: z.infer<typeof input>) => ({
    path: request.path,
    lines: request.limit,
    text: 'a short answer',
  });
  const tool = defineTool({ name: 'bench', description: 'x', effect: 'read', input, run: bare }) as Tool;
  const checked = createToolbox([tool]).get('bench') as Tool;
  const context = toolContext();
  const call = (one: Tool) => {
    for (let index = 0; index < batch; index += 1) {
      const result = one.input['~standard'].validate({ path: 'a.txt' }) as { value: unknown };
      void one.run(result.value, context);
    }
  };
  const times = await interleave(
    {
      bare: () => {
        for (let index = 0; index < batch; index += 1) bare({ path: 'a.txt', limit: 10 });
      },
      tool: () => call(tool),
      toolbox: () => call(checked),
    },
    300,
  );
  const perCall = (name: 'bare' | 'tool' | 'toolbox') => (times[name] / batch) * 1000;
  log(
    `bare function: ${perCall('bare').toFixed(2)} µs, with its schema: ${perCall('tool').toFixed(2)} µs, through the toolbox: ${perCall('toolbox').toFixed(2)} µs`,
  );
  return atMost('tools.toolbox.call', 'a call through the toolbox over the bare function', {
    value: perCall('toolbox') - perCall('bare'),
    unit: 'µs',
    limit: 10,
  });
}

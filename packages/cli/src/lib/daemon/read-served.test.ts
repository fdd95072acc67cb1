import { describe, expect, it } from 'vitest';
import type { CommandContext } from '../cli/command.ts';
import { FlagValues } from '../cli/flag-values.ts';
import { readServed } from './read-served.ts';

function read(flags: Readonly<Record<string, string | number | readonly string[]>>, environment = {}) {
  const context = {
    flags: new FlagValues(new Map(Object.entries(flags))),
    environment: { GENIE_HOME: '/homes', ...environment },
    workingFolder: '/data',
  };
  // The rest of a context is not read.
  return readServed(context as unknown as CommandContext);
}

const usage = (message: RegExp) =>
  expect.objectContaining({ code: 'GENIE_CLI_USAGE', message: expect.stringMatching(message) });

describe('readServed', () => {
  it('names models by their files unless they are named', () => {
    expect(read({ model: ['./a/Qwen3.GGUF', 'small=/models/s.gguf'] })).toMatchObject({
      models: { Qwen3: '/data/a/Qwen3.GGUF', small: '/models/s.gguf' },
      host: '127.0.0.1',
      port: 11_500,
      token: undefined,
      cacheFolder: '/homes/.daemon',
      drainMs: 20_000,
    });
    expect(read({}, { GENIE_LOCAL_MODEL: 'm.gguf', GENIE_DAEMON_TOKEN: ' t ' })).toMatchObject({
      models: { m: '/data/m.gguf' },
      token: 't',
    });
  });

  it('reads genomes: layers with weights, on the first model or another', () => {
    const { genomes } = read({
      model: ['a=/a.gguf', 'b=/b.gguf'],
      genome: ['terse=l1.gguf*0.8+/l2.gguf', 'other=b+l1.gguf*-0.5'],
    });
    expect(genomes).toEqual({
      terse: {
        base: 'a',
        layers: [
          { path: '/data/l1.gguf', weight: 0.8 },
          { path: '/l2.gguf', weight: 1 },
        ],
      },
      other: { base: 'b', layers: [{ path: '/data/l1.gguf', weight: -0.5 }] },
    });
  });

  it('says what cannot be understood', () => {
    expect(() => read({})).toThrow(usage(/GENIE_LOCAL_MODEL/));
    expect(() => read({ model: ['a.gguf', 'x/a.gguf'] })).toThrow(usage(/called "a"/));
    expect(() => read({ model: ['a=/a.gguf'], genome: ['terse'] })).toThrow(usage(/use ID=/));
    expect(() => read({ model: ['a=/a.gguf'], genome: ['a=l.gguf'] })).toThrow(usage(/a model already/));
    expect(() => read({ model: ['a=/a.gguf'], genome: ['g=a'] })).toThrow(usage(/no layer/));
    expect(() => read({ model: ['a=/a.gguf'], genome: ['g=l.gguf*much'] })).toThrow(usage(/no usable weight/));
    expect(() => read({ model: ['a=/a.gguf'], genome: ['g=l.gguf*'] })).toThrow(usage(/no usable weight/));
  });
});

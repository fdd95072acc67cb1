import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliFixture, createCliFixture } from '../lib/testing/cli-fixture.ts';

let cli: CliFixture;
let folder: string;

beforeAll(async () => {
  cli = createCliFixture();
  folder = join(cli.folder, 'words');
  expect(await cli.inProcess(['plugin', 'new', 'words'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('genie plugin check ./words'),
  });
});
afterAll(() => cli.remove());

const pluginsOf = (home: string): unknown =>
  (JSON.parse(readFileSync(join(home, 'genie.json'), 'utf8')) as { plugins?: unknown }).plugins;

/** Changes the manifest of the plugin, and gives back what changes it again. */
function edit(change: (genie: Record<string, unknown>) => object): Disposable {
  const path = join(folder, 'package.json');
  const before = readFileSync(path, 'utf8');
  const file = JSON.parse(before) as { genie: Record<string, unknown> };
  writeFileSync(path, JSON.stringify({ ...file, genie: { ...file.genie, ...change(file.genie) } }));
  return { [Symbol.dispose]: () => writeFileSync(path, before) };
}

describe('genie plugin', { timeout: 60_000 }, () => {
  it('checks a plugin: what it wants, what its code could do, whether it works', async () => {
    const { code, stdout } = await cli.inProcess(['plugin', 'check', 'words']);
    expect(code).toBe(0);
    for (const words of ['wants: nothing', 'words_count_words', 'node:fs', '✓ has an example for every tool'])
      expect(stdout).toContain(words === 'node:fs' ? 'scan:' : words);
    const document = JSON.parse((await cli.inProcess(['plugin', 'check', 'words', '--json'])).stdout) as object;
    expect(document).toMatchObject({ ok: true, manifest: { id: 'words' }, report: { failed: 0 } });
  });

  it('waits for an approval that is bound to the exact files, installs, lists and removes', async () => {
    const home = cli.home('careful', {});
    const waiting = await cli.inProcess(['plugin', 'add', 'careful', 'words']);
    expect(waiting).toMatchObject({ code: 3, stderr: expect.stringContaining('genie approve careful') });
    expect(pluginsOf(home)).toBeUndefined();
    const id = /apr_\w+/.exec(waiting.stderr)?.[0] ?? '';
    expect(await cli.inProcess(['approve', 'careful', id, '--allow-once'])).toMatchObject({ code: 0 });

    // The files changed since: what was allowed is something else.
    using _changed = edit(() => ({ permissions: ['shell'] }));
    expect(await cli.inProcess(['plugin', 'add', 'careful', 'words'])).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('wants: shell'),
    });
    _changed[Symbol.dispose]();
    expect(await cli.inProcess(['plugin', 'add', 'careful', 'words'])).toMatchObject({ code: 0 });
    expect(pluginsOf(home)).toMatchObject([{ id: 'words', permissions: [], folder: 'plugins/words/package' }]);
    expect(await cli.inProcess(['plugin', 'add', 'careful', 'words', '--yes'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('installed already'),
    });
    expect(await cli.inProcess(['plugin', 'list', 'careful'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('ok'),
    });
    writeFileSync(join(home, 'plugins/words/package/index.js'), 'evil');
    expect(await cli.inProcess(['plugin', 'list', 'careful'])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('changed: not loaded'),
    });
    expect(await cli.inProcess(['plugin', 'remove', 'careful', 'wrods'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean "words"?'),
    });
    expect(await cli.inProcess(['plugin', 'remove', 'careful', 'words'])).toMatchObject({ code: 0 });
    expect(pluginsOf(home)).toEqual([]);
    expect(existsSync(join(home, 'plugins/words'))).toBe(false);
  });

  it('installs nothing that was denied, lies in its manifest, or fails its kit', async () => {
    const home = cli.home('strict', {});
    const waiting = await cli.inProcess(['plugin', 'add', 'strict', 'words']);
    const id = /apr_\w+/.exec(waiting.stderr)?.[0] ?? '';
    await cli.inProcess(['approve', 'strict', id, '--deny-always']);
    expect(await cli.inProcess(['plugin', 'add', 'strict', 'words'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('GENIE_PLUGIN_NOT_APPROVED'),
    });
    {
      using _lie = edit(({ tools }) => ({
        tools: [{ ...(tools as object[])[0], name: 'other' }],
        examples: [],
      }));
      expect(await cli.inProcess(['plugin', 'add', 'strict', 'words', '--yes'])).toMatchObject({ code: 1 });
    }
    {
      using _silent = edit(() => ({ examples: [] }));
      expect(await cli.inProcess(['plugin', 'add', 'strict', 'words', '--yes'])).toMatchObject({
        code: 1,
        stdout: expect.stringContaining('✗ has an example for every tool'),
      });
    }
    expect(pluginsOf(home)).toBeUndefined();
    expect(await cli.inProcess(['plugin', 'add', 'strict', join(cli.folder, 'homes')])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('GENIE_PLUGIN_MANIFEST'),
    });
  });

  it('installs a package that npm packed, without its scripts', async () => {
    const home = cli.home('packed', {});
    const path = join(folder, 'package.json');
    const before = readFileSync(path, 'utf8');
    writeFileSync(path, JSON.stringify({ ...JSON.parse(before), scripts: { postinstall: 'touch ran' } }));
    execFileSync('npm', ['pack', '--silent'], { cwd: folder, stdio: 'pipe' });
    writeFileSync(path, before);
    const added = await cli.inProcess(['plugin', 'add', 'packed', 'words/genie-plugin-words-0.1.0.tgz', '--yes'], {
      environment: { PATH: process.env.PATH ?? '' },
    });
    expect(added.stderr).toBe('');
    expect(pluginsOf(home)).toMatchObject([{ id: 'words', folder: 'plugins/words/node_modules/genie-plugin-words' }]);
    expect(existsSync(join(home, 'plugins/words/node_modules/genie-plugin-words/ran'))).toBe(false);
  });

  it.each([
    [['plugin'], 'knows new, check'],
    [['plugin', 'chek', 'x'], 'Did you mean "check"?'],
    [['plugin', 'new'], 'Name the plugin'],
    [['plugin', 'check'], 'Name its folder'],
    [['plugin', 'check', 'words', '--config', '{'], 'write JSON'],
  ] as const)('%j is wrong usage', async (words, said) => {
    expect(await cli.inProcess(words)).toMatchObject({ code: 2, stderr: expect.stringContaining(said) });
  });
});

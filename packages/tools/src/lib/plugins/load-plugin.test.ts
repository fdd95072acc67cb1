import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.ts';
import { callTool } from '../testing/tool-context.ts';
import { loadPlugin } from './load-plugin.ts';

interface Form {
  readonly permissions?: readonly string[];
  readonly body: string;
  readonly tools?: readonly object[];
  readonly more?: object;
}

function plugin(folder: TemporaryFolder, { permissions = [], body, tools, more }: Form): string {
  const declared = tools ?? [
    { name: 'act', description: 'Does what the test needs.', effect: 'read', permissions, input: { type: 'object' } },
  ];
  const genie = { id: 'probe', version: '1.0.0', entry: 'index.js', permissions, tools: declared, ...more };
  folder.write('package.json', JSON.stringify({ name: 'probe', type: 'module', genie }));
  folder.write(
    'index.js',
    body.includes('createTools')
      ? body
      : `export function createTools(config) { return [{ name: 'act', async run(input, context) { ${body} } }]; }`,
  );
  return folder.path;
}

async function act(
  form: Form,
  {
    input = {},
    grant,
    workspace,
    context = {},
  }: { input?: unknown; grant?: readonly string[]; workspace?: string; context?: object } = {},
): Promise<unknown> {
  using folder = temporaryFolder();
  const path = plugin(folder, form);
  await using loaded = await loadPlugin({
    folder: path,
    permissions: grant ?? form.permissions ?? [],
    ...(workspace ? { workspace } : {}),
  });
  return await callTool(loaded.tools[0]!, input, context);
}

describe('loadPlugin', () => {
  it('runs the tools of a plugin in another process, with context and progress', async () => {
    const told: unknown[] = [];
    const body =
      "context.progress('half', 0.5); return { input, tool: context.tool, runId: context.runId, pid: process.pid, env: Object.keys(process.env) };";
    const result = (await act(
      { body },
      { input: { a: 1 }, context: { progress: (...words: unknown[]) => told.push(words) } },
    )) as { pid: number; env: string[] };
    expect(result).toMatchObject({ input: { a: 1 }, tool: 'act', runId: 'run_test' });
    expect(result.env.filter((name) => /PATH|HOME|USER/.test(name))).toEqual([]);
    expect(told).toEqual([['half', 0.5]]);
  });

  it('refuses a plugin that wants more than was approved, and names it', async () => {
    await expect(
      act({ permissions: ['net:example.com', 'fs:read'], body: 'return 1;' }, { grant: ['fs:read'] }),
    ).rejects.toMatchObject({ code: 'GENIE_PLUGIN_NOT_APPROVED', details: { missing: ['net:example.com'] } });
  });

  it.each([
    [
      'offers another tool than it says',
      { body: "export function createTools() { return [{ name: 'other', run() {} }]; }" },
      'GENIE_PLUGIN_MISMATCH',
    ],
    [
      'offers one more tool than it says',
      { body: "export function createTools() { return [{ name: 'act', run() {} }, { name: 'more', run() {} }]; }" },
      'GENIE_PLUGIN_MISMATCH',
    ],
    [
      'has a tool that wants more than the plugin',
      {
        body: 'return 1;',
        tools: [{ name: 'act', description: 'x', permissions: ['shell'], input: { type: 'object' } }],
      },
      'GENIE_PLUGIN_MANIFEST',
    ],
    ['starts outside of its folder', { body: 'return 1;', more: { entry: '../index.js' } }, 'GENIE_PLUGIN_MANIFEST'],
    ['has no tool', { body: 'return 1;', tools: [] }, 'GENIE_PLUGIN_MANIFEST'],
    [
      'throws while it is loaded',
      { body: 'export function createTools() { throw new Error("no"); }' },
      'GENIE_PLUGIN_FAILED',
    ],
    ['exports nothing', { body: '// createTools is missing\nexport const x = 1;' }, 'GENIE_PLUGIN_FAILED'],
    ['ends its process', { body: 'export function createTools() { process.exit(3); }' }, 'GENIE_PLUGIN_CRASHED'],
    [
      'is given a configuration it does not know',
      {
        body: 'return 1;',
        more: { config: { type: 'object', required: ['key'], properties: { key: { type: 'string' } } } },
      },
      'GENIE_PLUGIN_CONFIG',
    ],
  ])('refuses a plugin that %s', async (_name, form, code) => {
    await expect(act(form as Form)).rejects.toMatchObject({ code });
  });

  it.each([
    ['reads a file it was not granted', "return (await import('node:fs')).readFileSync('/etc/hostname', 'utf8');"],
    ['writes beside itself', "(await import('node:fs')).writeFileSync(new URL('planted', import.meta.url), 'x');"],
    ['starts a program', "return String((await import('node:child_process')).execSync('id'));"],
    ['starts a thread', "new (await import('node:worker_threads')).Worker('1', { eval: true });"],
    [
      'opens a connection',
      "return await new Promise((resolve, reject) => import('node:net').then(({ connect }) => connect(80, '127.0.0.1').on('connect', resolve).on('error', reject), reject));",
    ],
    ['fetches by itself', "return (await fetch('http://127.0.0.1/')).status;"],
    ['fetches through its context without a permission', "return (await context.fetch('http://127.0.0.1/')).status;"],
    ['gets a built-in module by the side door', "return process.getBuiltinModule('node:net') && 1;"],
    ['gets a binding', "return process.binding('fs') && 1;"],
    ['kills the runtime', 'process.kill(process.ppid, 0); return 1;'],
    ['speaks to the runtime in its own words', "process.send({ type: 'result', id: 1, value: 'forged' }); return 1;"],
  ])('stops a plugin that %s', async (_name, body) => {
    await expect(act({ body })).rejects.toMatchObject({
      code: expect.stringMatching(/^GENIE_(PLUGIN_FAILED|PERMISSION_DENIED|EGRESS_DENIED)$|ERR_ACCESS_DENIED/),
    });
  });

  it('lets it read and write the workspace when that was granted', async () => {
    using workspace = temporaryFolder();
    workspace.write('in.txt', 'given');
    const body =
      "const fs = await import('node:fs'); const text = fs.readFileSync(input.folder + '/in.txt', 'utf8'); fs.writeFileSync(input.folder + '/out.txt', text); return text;";
    const input = { folder: workspace.path };
    expect(await act({ permissions: ['fs:write'], body }, { input, workspace: workspace.path })).toBe('given');
    expect(existsSync(join(workspace.path, 'out.txt'))).toBe(true);
    await expect(act({ permissions: ['fs:read'], body }, { input, workspace: workspace.path })).rejects.toMatchObject({
      code: 'GENIE_PLUGIN_FAILED',
    });
  });

  it('lends it the fetch of the call, and passes the refusal of the egress filter on', async () => {
    const body =
      "const response = await context.fetch('https://example.com/x', { method: 'POST', body: 'hi', headers: { a: 'b' } }); return { status: response.status, text: await response.text() };";
    const seen: unknown[] = [];
    const fetch = async (url: string, init: RequestInit) => {
      seen.push([url, init.method, String(init.body)]);
      return new Response('hello', { status: 201 });
    };
    expect(await act({ permissions: ['net:example.com'], body }, { context: { fetch } })).toEqual({
      status: 201,
      text: 'hello',
    });
    expect(seen).toEqual([['https://example.com/x', 'POST', 'hi']]);
    await expect(act({ permissions: ['net:example.com'], body })).rejects.toMatchObject({
      code: 'GENIE_EGRESS_DENIED',
    });
  });

  it('has a network wall of the kernel where namespaces are to be had', async () => {
    using folder = temporaryFolder();
    const server = createServer((_request, response) => response.end('reached')).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    // With the permission to start programs a plugin could go around anything inside its own process.
    const path = plugin(folder, {
      permissions: ['shell'],
      body: `const { execSync } = await import('node:child_process'); return String(execSync('perl -MIO::Socket::INET -e \\'print IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => ${port}, Timeout => 2) ? "through" : "refused"\\''));`,
    });
    await using loaded = await loadPlugin({ folder: path, permissions: ['shell'] });
    const result = await callTool(loaded.tools[0]!, {});
    console.log(`isolation of plugins on this machine: ${loaded.isolation()}`);
    expect(result).toBe(loaded.isolation() === 'namespace' ? 'refused' : 'through');
    server.close();
  });

  it('has walls of the kernel around what it starts: no file of the host, and no writing beside the workspace', async () => {
    using folder = temporaryFolder();
    using workspace = temporaryFolder();
    using outside = temporaryFolder();
    const secret = outside.write('secret', 'top secret');
    workspace.write('in.txt', 'given');
    const path = plugin(folder, {
      permissions: ['shell', 'fs:read'],
      body: "const { spawnSync } = await import('node:child_process'); return spawnSync('sh', ['-c', input.script]).stdout.toString();",
    });
    await using loaded = await loadPlugin({
      folder: path,
      permissions: ['shell', 'fs:read'],
      workspace: workspace.path,
    });
    if (loaded.isolation() !== 'namespace')
      return console.log('no namespaces here: programs of a plugin are not walled in');
    const script = (text: string) => callTool(loaded.tools[0]!, { script: text });
    expect(await script(`cat ${secret} /etc/shadow /etc/passwd 2>/dev/null; cat ${workspace.path}/in.txt`)).toBe(
      'given',
    );
    await script(
      `echo x > ${workspace.path}/planted; echo x > ${folder.path}/planted; echo x > ${outside.path}/planted; touch /usr/planted`,
    );
    for (const place of [workspace.path, folder.path, outside.path, '/usr'])
      expect(existsSync(join(place, 'planted'))).toBe(false);
    expect(await script('grep -E "^Cap(Eff|Bnd)" /proc/self/status; ls /proc | grep -c "^[0-9]"')).toMatch(
      /^CapEff:\t0+\nCapBnd:\t0+\n[2-5]\n$/,
    );
    expect(await script(`perl -e 'print syscall(41, 40, 1, 0) >= 0 ? "through" : "refused"'`)).toBe('refused');
  });

  it('ends a plugin that ignores an abort, and starts it again for the next call', async () => {
    using folder = temporaryFolder();
    await using loaded = await loadPlugin({
      folder: plugin(folder, { body: 'if (input.hang) for (;;); return "well";' }),
      permissions: [],
    });
    const [tool] = loaded.tools;
    await expect(callTool(tool!, { hang: true }, { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({
      code: 'GENIE_PLUGIN_CRASHED',
    });
    expect(await callTool(tool!, {})).toBe('well');
  });

  it('reports a crash as a failed call', async () => {
    await expect(act({ body: 'process.exit(7);' })).rejects.toMatchObject({ code: 'GENIE_PLUGIN_CRASHED' });
    await expect(
      act({ body: 'const keep = []; for (;;) keep.push(new Array(1e6).fill(keep.length));' }),
    ).rejects.toMatchObject({ code: 'GENIE_PLUGIN_CRASHED' });
  });

  it('bears strange results and strange errors', async () => {
    expect(await act({ body: 'return undefined;' })).toBe(null);
    await expect(act({ body: 'throw null;' })).rejects.toMatchObject({ code: 'GENIE_PLUGIN_FAILED' });
    await expect(act({ body: 'throw { code: "nonsense", message: 5 };' })).rejects.toMatchObject({
      code: 'GENIE_PLUGIN_FAILED',
      message: '5',
    });
    await expect(act({ body: 'const a = {}; a.a = a; return a;' })).rejects.toMatchObject({
      code: 'GENIE_PLUGIN_FAILED',
    });
  });

  it('refuses a folder without a manifest', async () => {
    using folder = temporaryFolder();
    await expect(loadPlugin({ folder: folder.path, permissions: [] })).rejects.toMatchObject({
      code: 'GENIE_PLUGIN_MANIFEST',
    });
    writeFileSync(join(folder.path, 'package.json'), '{"name":"x"}');
    await expect(loadPlugin({ folder: folder.path, permissions: [] })).rejects.toMatchObject({
      code: 'GENIE_PLUGIN_MANIFEST',
    });
  });
});

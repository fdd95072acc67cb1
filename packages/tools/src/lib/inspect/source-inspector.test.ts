import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { localServer } from '../testing/local-server.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { createSourceInspector } from './source-inspector.ts';

describe('createSourceInspector', () => {
  it('gives the same fingerprints while nothing changes and another one for what did', async () => {
    using folder = temporaryFolder();
    using repository = temporaryFolder();
    const git = (...command: string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...command], { cwd: repository.path });
    git('init', '-q');
    git('commit', '-q', '--allow-empty', '-m', 'first');
    folder.write('a.txt', 'a');
    let entries = '<item><guid>1</guid></item>';
    let text = 'hello';
    await using server = await localServer({
      '/feed': (_request, response) => response.end(`<rss><channel>${entries}</channel></rss>`),
      '/page': (_request, response) =>
        response
          .writeHead(200, { 'content-type': 'text/html' })
          .end(`<html><body><p>${text}</p><script>${Math.random()}</script></body></html>`),
    });
    const sources = [
      { kind: 'folder', location: folder.path },
      { kind: 'git', location: repository.path },
      { kind: 'feed', location: `${server.url}/feed` },
      { kind: 'web', location: `${server.url}/page` },
    ] as const;
    const look = () => createSourceInspector()(sources, { fetch, signal: new AbortController().signal });
    const first = await look();
    expect(Object.keys(first)).toEqual(sources.map((source) => `${source.kind}:${source.location}`));
    expect(await look()).toEqual(first);
    folder.write('b.txt', 'b');
    git('commit', '-q', '--allow-empty', '-m', 'second');
    entries += '<item><guid>2</guid></item>';
    text = 'good bye';
    const second = await look();
    for (const key of Object.keys(first)) expect(second[key], key).not.toBe(first[key]);
  });

  it('names the error of a source that cannot be looked at, and does not reject', async () => {
    using folder = temporaryFolder();
    const result = await createSourceInspector()(
      [
        { kind: 'git', location: folder.path },
        { kind: 'folder', location: `${folder.path}/missing` },
        { kind: 'web', location: 'http://127.0.0.1:1/' },
        { kind: 'mcp', location: 'server/resource' },
      ],
      { fetch, signal: new AbortController().signal },
    );
    expect(Object.values(result)).toEqual([
      'error:GENIE_NOT_A_REPOSITORY',
      'error:GENIE_FILE_MISSING',
      'error:GENIE_WEB_FAILED',
      'error:GENIE_SOURCE_UNSUPPORTED',
    ]);
  });

  it('rejects when it is aborted', async () => {
    await expect(
      createSourceInspector()([{ kind: 'folder', location: '/tmp' }], { fetch, signal: AbortSignal.abort() }),
    ).rejects.toThrow();
  });
});

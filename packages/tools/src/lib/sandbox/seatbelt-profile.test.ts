import { describe, expect, it } from 'vitest';
import { seatbeltProfile } from './seatbelt-profile.ts';
import { createSeatbeltSandbox } from './seatbelt-sandbox.ts';

// The profile is checked as text. Running it needs macOS, which these tests are not run on: the sandbox proves itself there
// before it is given out.
describe('seatbeltProfile (as data: sandbox-exec itself is not run here)', () => {
  const profile = seatbeltProfile({
    workspace: '/Users/ada/genie "1"\\x',
    temporaryFolder: '/private/tmp/t',
    readOnly: ['/opt/data'],
  });

  it('denies by default, and every network', () => {
    expect(profile.split('\n').slice(0, 3)).toEqual(['(version 1)', '(deny default)', '(deny network*)']);
    expect(profile).not.toMatch(/\(allow network|\(allow default|mach-lookup|iokit/);
  });

  it('lets it write to the workspace and its temporary folder alone', () => {
    const writes = profile.split('\n').filter((line) => line.includes('file-write*'));
    expect(writes).toEqual([
      '(allow file-write* (subpath "/Users/ada/genie \\"1\\"\\\\x") (subpath "/private/tmp/t"))',
    ]);
  });

  it('reads no home, no keys, no settings of users', () => {
    const reads = profile.split('\n').find((line) => line.startsWith('(allow file-read* (subpath "/usr")')) ?? '';
    expect(reads).toContain('(subpath "/opt/data")');
    for (const path of ['"/Users"', '"/private/etc"', '"/Library"', '"/private/var"', '"/"'])
      expect(reads).not.toContain(path);
  });

  it('keeps parentheses balanced outside of texts, whatever a path holds', () => {
    const outside = profile.replace(/"(?:\\.|[^"\\])*"/g, '');
    expect(outside.split('(').length).toBe(outside.split(')').length);
    expect(() => seatbeltProfile({ workspace: '/a\n(allow default)', temporaryFolder: '/t', readOnly: [] })).toThrow(
      RangeError,
    );
  });

  it.skipIf(process.platform === 'darwin')('is refused where there is no sandbox-exec', async () => {
    await expect(createSeatbeltSandbox({ workspace: '/somewhere' })).rejects.toMatchObject({
      code: 'GENIE_SANDBOX_UNAVAILABLE',
    });
  });
});

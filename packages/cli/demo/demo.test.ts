import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);

describe('npm run demo', { timeout: 120_000 }, () => {
  it('tells the whole story, and every claim in it holds', async () => {
    const demo = join(import.meta.dirname, 'demo.ts');
    const { stdout } = await run(process.execPath, [
      '--conditions=@genie/source',
      '--disable-warning=ExperimentalWarning',
      demo,
    ]);
    expect(stdout).toContain('Everything held.');
    expect(stdout).not.toContain('NOT SO');
    const story = [
      /Plan for "Brief me on what changed in this repository and who should care"/,
      /First wake[\s\S]*\? Read http:\/\/releases\.example\.test/,
      /nothing was sent: the site saw 0 requests/,
      /The answer is no[\s\S]*### Not reached|The answer is no[\s\S]*what was not reached/,
      /The answer is yes[\s\S]*KPIs observed[\s\S]*## What changed in this repository/,
      /Second wake[\s\S]*0 model calls were made/,
      /Third wake[\s\S]*Explain when the wake gate lets a genie sleep[\s\S]*one line/,
      /A poor source[\s\S]*\? Remove source [\s\S]*Recommendation: adopt[\s\S]*Adopted after an experiment[\s\S]*50 → 100 %, better/,
      /At the door[\s\S]*(?:left out on this machine|saw nothing[\s\S]*--allow-once[\s\S]*the second never left[\s\S]*denied-by-user)/,
    ];
    let from = 0;
    for (const part of story) {
      const found = part.exec(stdout.slice(from));
      expect(found, `${part} after character ${from}`).not.toBeNull();
      from += (found?.index ?? 0) + 10;
    }
    const folder = /lives in (\S+)\/home/.exec(stdout)?.[1];
    expect([folder === undefined, existsSync(folder ?? '/')]).toEqual([false, false]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape codes are what must not be there.
    expect(stdout).not.toMatch(/\u001b/);
  });
});

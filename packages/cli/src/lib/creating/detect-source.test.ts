import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detectSource } from './detect-source.ts';
import { domainEntries } from './domain-entries.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'genie-detect-'));
  mkdirSync(join(folder, 'checkout', '.git'), { recursive: true });
  mkdirSync(join(folder, 'plain'));
  writeFileSync(join(folder, 'file.txt'), '');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('detectSource', () => {
  it.each([
    ['https://example.com/feed.xml', 'feed'],
    ['https://example.com/blog/rss', 'feed'],
    ['https://example.com/index?format=atom&x=1', 'feed'],
    ['https://example.com/feedback', 'web'],
    ['https://example.com/', 'web'],
    ['web:https://example.com/feed.xml', 'web'],
    ['feed:https://example.com/news', 'feed'],
  ])('takes %s for a %s', (text, kind) => {
    expect(detectSource(text, folder)).toMatchObject({ kind });
  });

  it('takes a path with .git for a checkout, any other folder for a folder, unless it is told', () => {
    expect(detectSource('checkout', folder)).toEqual({ kind: 'git', location: join(folder, 'checkout') });
    expect(detectSource('./plain', folder)).toEqual({ kind: 'folder', location: join(folder, 'plain') });
    expect(detectSource('folder:checkout', folder)).toEqual({ kind: 'folder', location: join(folder, 'checkout') });
  });

  it.each([
    ['missing', 'does not exist'],
    ['file.txt', 'is a file'],
    ['git:plain', 'is no git checkout'],
    ['https://example.com/x.git', 'Clone it first'],
    ['ftp://example.com/x', 'only http and https'],
    ['feed:plain', 'is an http or https address'],
    ['folder:https://example.com', 'a folder is a path'],
    ['mcp:server/x', 'MCP'],
    ['https://', 'no valid address'],
  ])('refuses %s with the reason', (text, words) => {
    expect(() => detectSource(text, folder)).toThrow(words);
  });
});

describe('domainEntries', () => {
  it('keeps the port of the source a host belongs to, and writes it out for addresses', () => {
    const sources = ['http://127.0.0.1:8080/feed', 'https://example.com/feed', 'http://example.org:8443/x'].map(
      (location) => ({ location }),
    );
    expect(domainEntries(['127.0.0.1', 'example.com', 'example.org', 'other.example'], sources)).toEqual([
      '127.0.0.1:8080',
      'example.com',
      'example.org:8443',
      'other.example',
    ]);
  });
});

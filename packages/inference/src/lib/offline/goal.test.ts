import { describe, expect, it } from 'vitest';
import { readGoal, sourcesIn } from './goal.ts';
import { readPrompt } from './read-prompt.ts';

const goalOf = (text: string) => readGoal(readPrompt([{ role: 'user', content: [{ type: 'text', text }] }]));

describe('readGoal', () => {
  it.each([
    ['Watch https://a.example for a new release', 'watch'],
    ['Brief me on what changed in this repository', 'brief'],
    ['Summarize the folder /tmp/a', 'summarise'],
    ['Compare /tmp/a with /tmp/b', 'compare'],
    ['How many commits mention the journal?', 'count'],
    ['Do something useful', 'brief'],
  ])('%s is %s', (text, kind) => {
    expect(goalOf(text).kind).toBe(kind);
  });

  it('sees who should care and how many lines are wanted', () => {
    expect(goalOf('Brief me on what changed and who should care').wantsAudience).toBe(true);
    expect(goalOf('Brief me on what changed').wantsAudience).toBe(false);
    expect(goalOf('Brief me on the top 3 stories of https://a.example/feed').limit).toBe(3);
  });
});

describe('sourcesIn', () => {
  it.each([
    ['read https://a.example/rss.xml, please', [{ kind: 'feed', location: 'https://a.example/rss.xml' }]],
    ['read https://a.example/blog/feed/ now', [{ kind: 'feed', location: 'https://a.example/blog/feed/' }]],
    ['see (https://a.example/page).', [{ kind: 'web', location: 'https://a.example/page' }]],
    ['clone https://a.example/x.git', [{ kind: 'git', location: 'https://a.example/x.git' }]],
    ['summarise /home/ann/notes.', [{ kind: 'folder', location: '/home/ann/notes' }]],
    ['what changed in the repository ~/code/x?', [{ kind: 'git', location: '~/code/x' }]],
    ['watch C:\\notes', [{ kind: 'folder', location: 'C:\\notes' }]],
    ['what changed in this repository', [{ kind: 'git', location: '.' }]],
    ['summarise this folder', [{ kind: 'folder', location: '.' }]],
    [
      'compare ./a and ./b',
      [
        { kind: 'folder', location: './a' },
        { kind: 'folder', location: './b' },
      ],
    ],
    ['say hello and/or goodbye', []],
  ])('%s', (text, sources) => {
    expect(sourcesIn(text)).toEqual(sources);
  });
});

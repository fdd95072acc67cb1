import { describe, expect, it } from 'vitest';
import { htmlToText } from './html-to-text.ts';
import { pageShape } from './page-shape.ts';
import { pageToMarkdown } from './page-to-markdown.ts';

const bombs: Readonly<Record<string, string>> = {
  'nests 3,000 divisions': `<title>Deep</title>${'<div>'.repeat(3_000)}word`,
  'nests 200,000 divisions': `<title>Deep</title>${'<div>'.repeat(200_000)}word`,
  'nests lists that are never closed': `<ul><li>${'<ul><li>'.repeat(5_000)}word`,
  'nests tables': `${'<table><tr><td>'.repeat(3_000)}word`,
  'nests bold in italics': `${'<b><i>'.repeat(20_000)}word`,
  'has 100,000 links': `${'<a href="/x">y</a> '.repeat(100_000)}word`,
  'has one tag with 100,000 attributes': `<div ${Array.from({ length: 100_000 }, (_, index) => `a${index}="1"`).join(' ')}>word</div>`,
  'has 500,000 entities': `${'&amp;'.repeat(500_000)} word`,
  'opens a million tags': `${'<'.repeat(1_000_000)} word`,
  'has a tag name of a million letters': `word<${'a'.repeat(1_000_000)}`,
  'opens 200,000 comments': `word${'<!--'.repeat(200_000)}`,
  'opens 100,000 scripts': `word${'<script>'.repeat(100_000)}`,
};

describe('a page that', () => {
  // Each of the first ones took 4 to 70 seconds, in which nothing else of the process went on.
  it.each(Object.entries(bombs))('%s is read all the same, at once', async (_name, html) => {
    const start = performance.now();
    const page = await pageToMarkdown(html, 'http://127.0.0.1/page');
    expect(performance.now() - start).toBeLessThan(3_000);
    expect(page.text).toContain('word');
    if (html.startsWith('<title>')) expect(page.title).toBe('Deep');
  });
});

describe('htmlToText', () => {
  it('gives what a reader sees, also of broken markup', () => {
    const html =
      '<p>Hi <b>there</b> &amp; you</p><!-- <p>no --><SCRIPT>x < y</SCRIPT ><li>one 1 < 2<li>two<br/>z<?php no ?><style>s</styles>no</style>!';
    expect(htmlToText(html)).toBe('Hi there & you\n- one 1 < 2\n- two\nz!');
    expect(htmlToText('plain  text, no tags')).toBe('plain text, no tags');
  });
});

describe('pageShape', () => {
  it('counts what nests, not what is closed by what follows', () => {
    expect(pageShape('<main><p>a<p>b<ul><li>c<li>d</ul><br><img src="x"></main>')).toEqual({
      elements: 8,
      depth: 2,
      longestTag: 13,
      marks: 10,
    });
  });
});

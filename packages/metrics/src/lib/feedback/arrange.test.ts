import { parseBriefing } from '@genie/core';
import type { BriefingItem } from '@genie/core/ports';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrangeBriefing } from './arrange.ts';
import type { Preferences } from './preferences.ts';

const markdown = `## News

- Bad one ([Bad](https://bad.example/1))
  more about it
- New one ([New](https://new.example/1))
- Good one ([Good](https://good.example/1))

### Not reached

- gone ([Bad](https://bad.example/feed))
_Signed._`;

const preferences: Preferences = {
  sources: [
    { key: 'Good', up: 3, down: 0, score: 0.6, why: '3 liked, 0 not' },
    { key: 'https://bad.example', up: 0, down: 3, score: -0.6, why: '0 liked, 3 not' },
  ],
  items: [],
  remarks: [],
};

describe('arrangeBriefing', () => {
  it('puts liked items first, disliked ones last, with the reason, and keeps everything else in place', () => {
    const briefing = parseBriefing(markdown)!;
    const arranged = arrangeBriefing(briefing, preferences);
    expect(arranged.items.map((item) => item.text)).toEqual(['Good one', 'New one', 'Bad one']);
    expect(arranged.markdown).toBe(`## News

- Good one ([Good](https://good.example/1)) _(your feedback: from Good: 3 liked, 0 not)_
- New one ([New](https://new.example/1))
- Bad one ([Bad](https://bad.example/1)) _(your feedback: from https://bad.example: 0 liked, 3 not)_
  more about it

### Not reached

- gone ([Bad](https://bad.example/feed))
_Signed._`);
    // Items are the same ones, so feedback and memory still find them.
    expect(new Set(arranged.items.map((item) => item.id))).toEqual(new Set(briefing.items.map((item) => item.id)));
  });

  it('gives the same briefing back without an opinion', () => {
    const briefing = parseBriefing(markdown)!;
    expect(arrangeBriefing(briefing, { sources: [], items: [], remarks: [] })).toBe(briefing);
  });

  it('keeps the headings of sections, and lets no reason become a link', () => {
    const briefing = parseBriefing('## A\n\n### One\n\n- x ([Bad](b))\n- y ([Ok](o))\n\n### Two\n\n- z ([Bad](b))')!;
    const why = '[evil](http://evil.example) `*_\n';
    const arranged = arrangeBriefing(briefing, {
      ...preferences,
      sources: [{ key: 'Bad', up: 0, down: 3, score: -0.6, why }],
    });
    expect(arranged.items.map((item) => item.text)).toEqual(['y', 'x', 'z']);
    expect(arranged.markdown).toMatch(/### One\n\n- y .*\n- x .*\n\n### Two\n\n- z /);
    expect(parseBriefing(arranged.markdown)?.items.map((item) => item.citations.length)).toEqual([1, 1, 1]);
  });

  it('loses and invents no item and no line, whatever the briefing is', () => {
    const line = fc.constantFrom(
      '- a ([S1](u1))',
      '* b ([S2](u2))',
      '1. c',
      '',
      '### H',
      '### Not reached',
      '  more',
      'text',
      '- ',
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), fc.double({ min: -1, max: 1, noNaN: true }), (lines, score) => {
        const briefing = parseBriefing(lines.join('\n'));
        if (briefing === undefined) return;
        const opinion = { key: 'S1', up: 1, down: 1, score, why: 'w' };
        const arranged = arrangeBriefing(briefing, { sources: [opinion], items: [], remarks: [] });
        const ids = (items: readonly BriefingItem[]): string[] => items.map((item) => item.id).sort();
        expect(ids(arranged.items)).toEqual(ids(briefing.items));
        const plain = arranged.markdown.replaceAll(' _(your feedback: from S1: w)_', '');
        expect(plain.split('\n').sort()).toEqual(
          briefing.markdown
            .split('\n')
            .map((one) => one)
            .sort(),
        );
      }),
    );
  });
});

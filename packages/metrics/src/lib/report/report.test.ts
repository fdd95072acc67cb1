import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dashboard } from '../dashboard.ts';
import { dashboardToHtml } from './html.ts';
import { sparkline } from './sparkline.ts';
import { dashboardToText } from './terminal.ts';

function dashboard(name: string): Dashboard {
  const points = [1, 2, 3].map((value) => ({
    date: `2026-03-0${value}`,
    value,
    status: 'met' as const,
    grade: 'measured' as const,
    count: 1,
  }));
  const series = { kpiId: 'a', name, unit: name, direction: 'up' as const, target: 2, points, formerUnits: [name] };
  return {
    at: Date.UTC(2026, 2, 4),
    days: 30,
    score: 100,
    kpis: [
      { ...series, status: 'met', value: 3, previous: 2 },
      { ...series, kpiId: 'b', points: [], status: 'no-data' },
    ],
    outcomes: { achieved: 3, partly: 0, 'not-achieved': 0, unverified: 0 },
    cost: { tokens: 10, tookMs: 1000, runs: 3 },
    lastEvaluation: { at: 0, summary: name },
    changes: [
      {
        id: 'c',
        title: name,
        state: 'undone',
        adoptedAt: Date.UTC(2026, 2, 2),
        undoneAt: Date.UTC(2026, 2, 3),
        reason: name,
        effects: [
          { kpiId: 'a', name, unit: name, before: 2, after: 3, runsBefore: 3, runsAfter: 4, verdict: 'better' },
          { kpiId: 'b', name: 'Unmoved', unit: '', before: 2, after: 2, runsBefore: 3, runsAfter: 4, verdict: 'same' },
        ],
      },
    ],
    history: [],
  };
}

describe('sparkline', () => {
  it('draws values, gaps and flat lines', () => {
    expect(sparkline([0, 7, undefined, 3.6])).toBe('▁█ ▅');
    expect(sparkline([5, 5])).toBe('▄▄');
    expect(sparkline([])).toBe('');
    expect(
      sparkline(
        Array.from({ length: 99 }, (_, index) => index),
        10,
      ),
    ).toHaveLength(10);
  });
});

describe('dashboardToText', () => {
  it('lists KPIs with value, target, trend and direction', () => {
    const text = dashboardToText(dashboard('Items'));
    expect(text).toContain('Score 100 of 100 · 3 runs in 30 days: 3 achieved');
    expect(text).toMatch(/✓ +Items +3 Items +≥ 2 +▁▅█ +↑ better/);
    expect(text).toMatch(/· +Items +no data/);
  });

  it('tells what became of each change', () => {
    const text = dashboardToText(dashboard('Items'));
    expect(text).toContain('2026-03-03  undone    Items (Items)');
    expect(text).toContain('Items: 2 → 3 Items (median of 3 and 4 runs), better');
    expect(text).not.toContain('Unmoved');
  });

  it('lets no control characters of a name reach the terminal', () => {
    expect(dashboardToText(dashboard('\u001b[2J\u0007evil\r'))).not.toMatch(/[^\P{Cc}\n]/u);
  });
});

describe('dashboardToHtml', () => {
  it('escapes every text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const html = dashboardToHtml(dashboard(`<img src=x onerror="a('${text}')">`));
        expect(html).not.toMatch(/<img/);
        expect(html.match(/<article>/g)).toHaveLength(3);
      }),
      { numRuns: 30 },
    );
  });

  it('marks adoptions and undos in the charts, and shows each KPI before and after', () => {
    const html = dashboardToHtml(dashboard('Items'));
    expect(html.match(/stroke-dasharray="2 3"><title>(Undone: )?Items</g)).toHaveLength(2);
    expect(html).toContain('<span class="better">2 → 3 Items (median of 3 and 4 runs), better</span>');
  });

  it('loads nothing and runs nothing', () => {
    const html = dashboardToHtml(dashboard('Items'));
    expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(html).not.toMatch(/<script|src=|href=|url\(/);
    expect(html).toContain('name="viewport"');
  });
});

import { describe, expect, it } from 'vitest';
import { toJunit } from './junit.ts';

describe('toJunit', () => {
  it('counts, and holds names and reasons whatever is in them', () => {
    const xml = toJunit([
      {
        port: 'A "port" & <more>',
        failed: 1,
        results: [
          { name: 'fine', status: 'passed', tookMs: 1_500 },
          { name: 'bad', status: 'failed', reason: 'got <a>\u0000\n\ud800"', tookMs: 2 },
          { name: 'not here', status: 'unsupported', reason: 'needs the capability "durable"', tookMs: 0 },
        ],
      },
    ]);
    expect(xml).toContain(
      '<testsuite name="A &quot;port&quot; &amp; &lt;more&gt;" tests="3" failures="1" skipped="1" time="1.502">',
    );
    expect(xml).toContain('<testcase classname="A &quot;port&quot; &amp; &lt;more&gt;" name="fine" time="1.500"/>');
    expect(xml).toContain('<failure message="got &lt;a&gt;\ufffd \ufffd&quot;"/>');
    expect(xml).toContain('<skipped message="needs the capability &quot;durable&quot;"/>');
  });
});

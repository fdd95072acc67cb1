import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runConformance } from '@genie/core/conformance';
import { describe, expect, it } from 'vitest';
import { pluginConformance } from '../conformance/plugin-conformance.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { callTool } from '../testing/tool-context.ts';
import { checkPlugin } from './check-plugin.ts';
import { loadPlugin } from './load-plugin.ts';
import { writePluginTemplate } from './plugin-template.ts';
import { scanCode } from './scan-code.ts';

describe('the plugin template', () => {
  it('passes its kit, alarms nobody by more than its file access, and works', async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'word-tools');
    expect(writePluginTemplate(path, 'word-tools')).toEqual(['package.json', 'index.js', 'README.md']);
    const check = await checkPlugin(path);
    expect(check.report.results.filter((result) => result.status !== 'passed')).toEqual([]);
    expect(check.findings.map((finding) => finding.rule)).toEqual(['file-system']);
    await using plugin = await loadPlugin({ folder: path, permissions: [], config: { minLetters: 2 } });
    expect(await callTool(plugin.tools[0]!, { text: 'The lamp, the genie', top: 1 })).toEqual({
      words: 4,
      top: [{ word: 'the', count: 2 }],
    });
    expect(() => writePluginTemplate(path, 'word-tools')).toThrow(/not empty/);
    expect(() => writePluginTemplate(join(folder.path, 'x'), 'Bad Id')).toThrow(/id of a plugin/);
  });
});

describe('pluginConformance', () => {
  const broken: Readonly<
    Record<string, readonly [(genie: Record<string, unknown>, tool: Record<string, unknown>) => void, string, string?]>
  > = {
    'describes nothing': [
      (_genie, tool) => {
        tool.description = 'x';
      },
      'describes every tool for a model',
    ],
    'takes a bare text': [
      (genie, tool) => {
        tool.input = { type: 'string' };
        genie.examples = [];
      },
      'takes an object with described properties',
    ],
    'shows nothing': [
      (genie) => {
        genie.examples = [];
      },
      'has an example for every tool',
    ],
    'fails its own example': [() => undefined, 'gives JSON for every example, in time', 'throw new Error("no")'],
    'changes its mind': [
      () => undefined,
      'gives the same kind of result when called again, and many times at once',
      'globalThis.n = (globalThis.n ?? 0) + 1; return globalThis.n % 2 ? "text" : 7',
    ],
    'takes anything': [
      (_genie, tool) => {
        tool.input = {};
      },
      'refuses arguments that are none',
      'return 1',
    ],
    'blocks for ever after an abort': [() => undefined, 'ends soon after an abort, and works afterwards', 'for (;;);'],
  };

  it.each(Object.entries(broken))('notices a plugin that %s', async (_name, [change, caught, body]) => {
    using folder = temporaryFolder();
    const path = join(folder.path, 'p');
    writePluginTemplate(path, 'p');
    const file = join(path, 'package.json');
    const json = JSON.parse(readFileSync(file, 'utf8'));
    change(json.genie, json.genie.tools[0]);
    writeFileSync(file, JSON.stringify(json));
    if (body)
      writeFileSync(
        join(path, 'index.js'),
        `export function createTools() { return [{ name: 'p_count_words', run() { ${body} } }]; }`,
      );
    const cases = pluginConformance.cases.filter((one) => one.name === caught);
    expect(cases).toHaveLength(1);
    const report = await runConformance(
      { ...pluginConformance, cases },
      async () => {
        const plugin = await loadPlugin({ folder: path, permissions: [] });
        return { setup: { plugin }, close: () => plugin.close() };
      },
      { timeoutMs: 8000 },
    );
    expect(report.failed).toBe(1);
  });

  it('has a broken form for every case', () => {
    const caught = new Set(Object.values(broken).map(([, name]) => name));
    expect(pluginConformance.cases.filter((one) => !caught.has(one.name))).toEqual([]);
  });
});

describe('scanCode', () => {
  it.each([
    ["import fs from 'node:fs'", 'file-system'],
    ["import { readFile } from 'fs/promises'", 'file-system'],
    ["const net = require('net')", 'network'],
    ["await import('node:https')", 'network'],
    ['import { exec } from "child_process"', 'process'],
    ['eval(text)', 'evaluation'],
    ['(0, eval)(text)', 'evaluation'],
    ["new Function('return 1')", 'evaluation'],
    ["[].constructor.constructor('return process')()", 'evaluation'],
    ["x['constructor']", 'evaluation'],
    ["setTimeout('code', 1)", 'evaluation'],
    ['import(name)', 'dynamic-import'],
    ['import(`node:` + x)', 'dynamic-import'],
    ['require(a + b)', 'dynamic-import'],
    ["process.binding('fs')", 'native'],
    ["require('./addon.node')", 'native'],
    ['process.env.KEY', 'environment'],
    ["process['env']", 'environment'],
    ["fetch('https://example.com')", 'network'],
    ['const a = "\\x68\\x65\\x6c\\x6c\\x6f\\x68\\x65\\x6c"', 'obfuscation'],
    [`const a = "${'QUJD'.repeat(100)}"`, 'obfuscation'],
    ['globalThis[name]()', 'obfuscation'],
    ['var _0x3f2a = 1', 'obfuscation'],
    ['const access = "user\u202e"', 'obfuscation'],
    ['x'.repeat(3000), 'obfuscation'],
  ])('reports %s', (source, rule) => {
    const findings = scanCode('a.js', `// first\n${source}`);
    expect(findings.map((finding) => finding.rule)).toContain(rule);
    expect(findings[0]).toMatchObject({ path: 'a.js', line: 2 });
  });

  it('reports nothing for ordinary code', () => {
    const source =
      "import { helper } from './helper.js';\nexport const run = async (input, context) => (await context.fetch(input.url)).text();\nconst evaluate = medieval(1);\nimport('./other.js');";
    expect(scanCode('a.js', source)).toEqual([]);
  });
});

import type { Tool } from '@genie/core';
import { type ConformanceSuite, expectThat } from '@genie/core/conformance';
import type { Plugin } from '../plugins/load-plugin.ts';
import { callTool } from '../testing/tool-context.ts';

export interface PluginSetup {
  /** Freshly loaded. */
  readonly plugin: Plugin;
}

function examplesOf({ manifest, tools }: Plugin): readonly { readonly tool: Tool; readonly input: unknown }[] {
  return manifest.examples.flatMap(({ tool: name, input }) => {
    const tool = tools.find((one) => one.name === name);
    return tool ? [{ tool, input }] : [];
  });
}

/** The kit of plugin authors: what every plugin has to keep. Run by `genie plugin check`. */
export const pluginConformance: ConformanceSuite<PluginSetup> = {
  port: 'Plugin',
  cases: [
    {
      name: 'describes every tool for a model',
      async run({ plugin }) {
        for (const tool of plugin.tools)
          expectThat(
            tool.description.trim().length >= 20,
            `the description of "${tool.name}" is too short to choose it by: ${JSON.stringify(tool.description)}`,
          );
      },
    },
    {
      name: 'takes an object with described properties',
      async run({ plugin }) {
        for (const tool of plugin.tools)
          expectThat(
            tool.inputJsonSchema.type === 'object',
            `the arguments of "${tool.name}" are not of type "object"`,
          );
      },
    },
    {
      name: 'has an example for every tool',
      async run({ plugin }) {
        for (const tool of plugin.tools)
          expectThat(
            plugin.manifest.examples.some((one) => one.tool === tool.name),
            `"${tool.name}" has no example in the manifest, so nothing shows that it works`,
          );
      },
    },
    {
      name: 'gives JSON for every example, in time',
      async run({ plugin }) {
        for (const { tool, input } of examplesOf(plugin)) {
          const result = await callTool(tool, input, { signal: AbortSignal.timeout(Math.min(tool.timeoutMs, 20_000)) });
          expectThat(JSON.stringify(result).length > 0, `"${tool.name}" gave nothing`);
        }
      },
    },
    {
      name: 'gives the same kind of result when called again, and many times at once',
      async run({ plugin }) {
        for (const { tool, input } of examplesOf(plugin)) {
          const results = await Promise.all(Array.from({ length: 5 }, () => callTool(tool, input)));
          const kinds = new Set(results.map((result) => (Array.isArray(result) ? 'list' : typeof result)));
          expectThat(kinds.size === 1, `"${tool.name}" gave results of different kinds: ${[...kinds].join(', ')}`);
        }
      },
    },
    {
      name: 'refuses arguments that are none',
      async run({ plugin }) {
        for (const { tool } of examplesOf(plugin)) {
          for (const wrong of [null, 7, [1]]) {
            const refused = await callTool(tool, wrong).then(
              () => false,
              () => true,
            );
            expectThat(refused, `"${tool.name}" took ${JSON.stringify(wrong)} as its arguments`);
          }
        }
      },
    },
    {
      name: 'ends soon after an abort, and works afterwards',
      async run({ plugin }) {
        for (const { tool, input } of examplesOf(plugin)) {
          const startedAt = performance.now();
          await callTool(tool, input, { signal: AbortSignal.timeout(1) }).catch(() => undefined);
          expectThat(performance.now() - startedAt < 5000, `"${tool.name}" took over 5 s to end after an abort`);
          await callTool(tool, input);
        }
      },
    },
  ],
};

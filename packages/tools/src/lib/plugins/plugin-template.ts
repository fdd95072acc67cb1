import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GenieError } from '@genie/core/errors';

/**
 * Writes a small plugin that passes its kit: a manifest, one tool, a README. Needs no dependency.
 * Throws `GENIE_PLUGIN_MANIFEST` for an id that is none and `GENIE_OPTIONS_INVALID` when the folder is not empty.
 * Gives the paths written, relative to the folder.
 */
export function writePluginTemplate(folder: string, id: string): readonly string[] {
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(id)) {
    throw new GenieError(
      'GENIE_PLUGIN_MANIFEST',
      `${JSON.stringify(id)} cannot be the id of a plugin: use lower-case letters, digits and dashes.`,
    );
  }
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new GenieError('GENIE_OPTIONS_INVALID', `The folder ${folder} is not empty: name a new one.`);
  }
  mkdirSync(folder, { recursive: true });
  const files = {
    'package.json': `${JSON.stringify(packageJson(id), null, 2)}\n`,
    'index.js': moduleText,
    'README.md': readme(id),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return Object.keys(files);
}

function packageJson(id: string): object {
  const name = `${id.replaceAll('-', '_')}_count_words`;
  return {
    name: `genie-plugin-${id}`,
    version: '0.1.0',
    type: 'module',
    main: 'index.js',
    keywords: ['genie-plugin'],
    genie: {
      id,
      version: '0.1.0',
      description: 'Counts the words of a text.',
      entry: 'index.js',
      permissions: [],
      tools: [
        {
          name,
          description: 'Counts the words of a text and names the most frequent ones.',
          effect: 'read',
          permissions: [],
          input: {
            type: 'object',
            properties: { text: { type: 'string' }, top: { type: 'integer', minimum: 1, maximum: 20 } },
            required: ['text'],
            additionalProperties: false,
          },
        },
      ],
      examples: [{ tool: name, input: { text: 'a genie and a lamp', top: 1 } }],
      config: {
        type: 'object',
        properties: { minLetters: { type: 'integer', minimum: 1 } },
        additionalProperties: false,
      },
    },
  };
}

const moduleText = `import { readFileSync } from 'node:fs';

// The manifest names the tool; this file gives it its work.
const { genie } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

/** Called once with the configuration. The context of a call has signal and progress and, with a net permission, a way out. */
export function createTools(config) {
  const minLetters = config.minLetters ?? 1;
  return [{ name: genie.tools[0].name, run: (input) => countWords(input, minLetters) }];
}

function countWords({ text, top = 5 }, minLetters) {
  const words = text.toLowerCase().match(/\\p{L}+/gu)?.filter((word) => word.length >= minLetters) ?? [];
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const sorted = [...counts].sort((left, right) => right[1] - left[1] || left[0].localeCompare(right[0]));
  return { words: words.length, top: sorted.slice(0, top).map(([word, count]) => ({ word, count })) };
}
`;

function readme(id: string): string {
  return `# ${id}

A plugin for Genie. The field \`genie\` in \`package.json\` is its manifest: tools, permissions, configuration, examples.
A genie's user approves the permissions; the runtime enforces them. Check it with \`genie plugin check .\`
`;
}

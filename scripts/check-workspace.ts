// Checks what every package of the workspace has to agree on, so that a new package or subpath cannot be half there.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly description?: string;
  readonly license?: string;
  readonly type?: string;
  readonly engines?: { readonly node?: string };
  readonly files?: readonly string[];
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Every platform that contributors use. The lockfile has to know the native programs of all of them, wherever it was written. */
const nativePrograms = [
  ...['darwin-arm64', 'win32-x64', 'linux-x64'].flatMap((platform) => [
    `@biomejs/cli-${platform}`,
    `@esbuild/${platform}`,
  ]),
  ...['@rolldown/binding-darwin-arm64', '@rolldown/binding-win32-x64-msvc', '@rolldown/binding-linux-x64-gnu'],
  ...['@typescript/typescript-darwin-arm64', '@typescript/typescript-win32-x64', 'lightningcss-darwin-arm64'],
];

/** All problems of a workspace, each as one line that names the file, the value and the fix. */
export function workspaceProblems(root: string): string[] {
  const folders = ['packages', 'examples']
    .flatMap((group) =>
      existsSync(path.join(root, group)) ? readdirSync(path.join(root, group)).map((name) => `${group}/${name}`) : [],
    )
    .concat('tooling', '.')
    .filter((folder) => existsSync(path.join(root, folder, 'package.json')));
  const manifests = folders.map((folder) => ({
    folder,
    manifest: readJson<Manifest>(path.join(root, folder, 'package.json')),
  }));
  const published = manifests.filter(({ folder }) => folder.startsWith('packages/'));
  return [
    ...published.flatMap(({ folder, manifest }) => publishedProblems(root, folder, manifest)),
    ...published.flatMap(({ folder, manifest }) => referenceProblems(root, folder, manifest)),
    ...manifests.flatMap(({ folder, manifest }) => pinProblems(folder, manifest)),
    ...versionProblems(manifests),
    ...lockfileProblems(root),
  ];
}

function publishedProblems(root: string, folder: string, manifest: Manifest): string[] {
  const expected: Partial<Record<keyof Manifest, unknown>> = {
    name: `@genie/${path.basename(folder)}`,
    license: 'MIT',
    type: 'module',
    engines: { node: '>=22.18' },
    files: ['dist'],
  };
  const differences = Object.entries(expected)
    .filter(([key, value]) => JSON.stringify(manifest[key as keyof Manifest]) !== JSON.stringify(value))
    .map(([key, value]) => `${folder}/package.json: ${key} has to be ${JSON.stringify(value)}.`);
  if (!manifest.description) differences.push(`${folder}/package.json: description is missing.`);
  return [
    ...differences,
    ...Object.entries(manifest.exports ?? {}).flatMap((entry) => entryProblems(root, folder, entry)),
  ];
}

/** `./loop` is `src/loop.ts` here and `dist/loop.js` at users: the same name three times leaves no room for a mistake. */
function entryProblems(root: string, folder: string, [entry, conditions]: [string, unknown]): string[] {
  const name = entry === '.' ? 'index' : entry.replace('./', '');
  const expected = {
    '@genie/source': `./src/${name}.ts`,
    types: `./dist/${name}.d.ts`,
    default: `./dist/${name}.js`,
  };
  if (JSON.stringify(conditions) !== JSON.stringify(expected)) {
    return [
      `${folder}/package.json: exports[${JSON.stringify(entry)}] has to be ${JSON.stringify(expected)}, in this order.`,
    ];
  }
  const exists = existsSync(path.join(root, folder, expected['@genie/source']));
  return exists ? [] : [`${folder}/package.json: ${expected['@genie/source']} does not exist.`];
}

/** `tsc -b` builds in the order of the references, so they have to say the same as the dependencies. */
function referenceProblems(root: string, folder: string, manifest: Manifest): string[] {
  const file = `${folder}/tsconfig.json`;
  const config = readJson<{ references?: readonly { path: string }[] }>(path.join(root, file));
  const actual = (config.references ?? []).map((reference) => `@genie/${path.basename(reference.path)}`).sort();
  const wanted = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
    .filter((name) => name.startsWith('@genie/'))
    .sort();
  const solution = readJson<{ references: readonly { path: string }[] }>(path.join(root, 'tsconfig.json'));
  const listed = solution.references.some((reference) => reference.path === folder);
  return [
    ...(actual.join() === wanted.join()
      ? []
      : [`${file}: references have to be those to ${wanted.join(', ') || 'nothing'}.`]),
    ...(listed ? [] : [`tsconfig.json: add a reference to ${folder}.`]),
  ];
}

/** A range lets the registry decide what a fresh clone and a user get. Peers are ranges, because there the user decides. */
function pinProblems(folder: string, { dependencies = {}, devDependencies = {} }: Manifest): string[] {
  return Object.entries({ ...dependencies, ...devDependencies })
    .filter(([, range]) => !/^(?:\d+\.\d+\.\d+[\w.+-]*|workspace:[\^*~])$/.test(range))
    .map(([name, range]) => `${folder}/package.json: ${name} is ${JSON.stringify(range)}. Pin one version.`);
}

/** Two versions of one dependency are two copies of its types. TypeScript is the exception, see tooling/package.json. */
function versionProblems(manifests: readonly { folder: string; manifest: Manifest }[]): string[] {
  const all = manifests.flatMap(({ folder, manifest }) =>
    Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
      .filter(([name]) => !name.startsWith('@genie/') && name !== 'typescript')
      .map(([name, version]) => ({ folder, name, version })),
  );
  return [...Map.groupBy(all, ({ name }) => name)]
    .filter(([, uses]) => new Set(uses.map(({ version }) => version)).size > 1)
    .map(
      ([name, uses]) =>
        `${name}: use one version, not ${uses.map(({ folder, version }) => `${version} in ${folder}`).join(', ')}.`,
    );
}

function lockfileProblems(root: string): string[] {
  const lockfile = readFileSync(path.join(root, 'pnpm-lock.yaml'), 'utf8');
  return nativePrograms
    .filter((name) => !lockfile.includes(`'${name}@`) && !lockfile.includes(`\n  ${name}@`))
    .map((name) => `pnpm-lock.yaml: ${name} is missing, so this workspace would not install on that platform.`);
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8'));
}

if (import.meta.main) {
  const problems = workspaceProblems(path.dirname(import.meta.dirname));
  for (const problem of problems) console.error(problem);
  console.log(`workspace: ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

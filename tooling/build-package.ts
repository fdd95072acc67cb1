// Builds the `dist` of the package in the current folder as its users get it. The entries come from the package's own `exports` and
// `bin`, so a new subpath needs no line here. It lives in this package because its .d.ts step needs the compiler API of TypeScript 6.
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'tsup';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const sources: string[] = [
  ...Object.values<Record<string, string>>(manifest.exports ?? {}).flatMap((entry) => entry['@genie/source'] ?? []),
  ...Object.values<string>(manifest.bin ?? {}).map((file) => file.replace(/^\.\/dist\/(.*)\.js$/, './src/$1.ts')),
];

rmSync('dist', { recursive: true, force: true });
await build({
  config: false,
  entry: Object.fromEntries(sources.map((source) => [path.basename(source, '.ts'), source])),
  format: 'esm',
  target: 'node22.18',
  platform: 'node',
  // tsup would strip `node:` from imports, and `sqlite` alone is not a built-in module.
  removeNodeProtocol: false,
  // Entries of one package share their code, so that a class exists once however it was imported.
  splitting: true,
  sourcemap: false,
  silent: true,
  tsconfig: 'tsconfig.json',
  dts: {
    // Project references are for checking; a bundle of declarations is one program.
    compilerOptions: { composite: false, incremental: false, emitDeclarationOnly: false, ignoreDeprecations: '6.0' },
  },
});

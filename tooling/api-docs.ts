// `npm run docs`: writes the API reference of every public entry to docs/api. It fails when a public signature names a type that no
// entry exports, because a reader could then neither look it up nor import it.
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Application, type TypeDocOptions } from 'typedoc';

const root = path.dirname(import.meta.dirname);
const out = path.join(root, 'docs', 'api');

const manifestFiles = globSync('packages/*/package.json', { cwd: root }).sort();

// Schemas whose inferred type is public: the type is what a reader looks up.
const schemasBehindTypes: Readonly<Record<string, readonly string[]>> = {
  '@genie/cli': ['settingsSchema'],
  '@genie/egress': ['entrySchema'],
  '@genie/inference': ['genomeSchema', 'layerSchema', 'traitTypes'],
  '@genie/metrics': ['adjustmentSchema', 'feedbackSchema', 'rowSchema'],
  '@genie/tools': ['fromDevice', 'manifest', 'sourceItem', 'sourceOutput'],
};

const options: Partial<TypeDocOptions> = {
  name: 'Genie',
  entryPoints: manifestFiles.flatMap(publicSources),
  tsconfig: temporaryConfig(),
  out,
  readme: 'none',
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  disableGit: true,
  sourceLinkTemplate: '{path}#L{line}',
  validation: {
    notExported: true,
    invalidLink: false,
    rewrittenLink: false,
    notDocumented: false,
    unusedMergeModuleWith: false,
  },
  // The types themselves are checked by `tsc -b`, with the compiler and the settings of each package.
  skipErrorChecking: true,
};

const app = await Application.bootstrap(options);
const project = await app.convert();
if (project === undefined) throw new Error('typedoc could not read the sources.');
// typedoc asks only about the types of the package that the project is named after, so each package takes that place in turn.
for (const file of manifestFiles) {
  const { name } = JSON.parse(readFileSync(path.join(root, file), 'utf8'));
  project.packageName = name;
  app.options.setValue('intentionallyNotExported', [...(schemasBehindTypes[name] ?? [])]);
  app.validate(project);
}
rmSync(out, { recursive: true, force: true });
await app.generateOutputs(project);
process.exitCode = app.logger.hasErrors() || app.logger.validationWarningCount > 0 ? 1 : 0;

function publicSources(manifestFile: string): string[] {
  const manifest = JSON.parse(readFileSync(path.join(root, manifestFile), 'utf8'));
  const entries = Object.values<Record<string, string>>(manifest.exports ?? {});
  return entries.flatMap((entry) => path.join(root, path.dirname(manifestFile), entry['@genie/source'] ?? ''));
}

/** One program over all packages: the references of the solution are many, and typedoc wants one. */
function temporaryConfig(): string {
  const file = path.join(import.meta.dirname, 'node_modules', '.api-docs.tsconfig.json');
  const include = [path.join(root, 'packages/*/src/**/*.ts')];
  const compilerOptions = {
    composite: false,
    noEmit: true,
    emitDeclarationOnly: false,
    typeRoots: [path.join(root, 'node_modules/@types')],
  };
  writeFileSync(file, JSON.stringify({ extends: path.join(root, 'tsconfig.base.json'), include, compilerOptions }));
  return file;
}

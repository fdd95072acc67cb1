import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { environmentReads } from './environment-reads.ts';
import { layerRules } from './layer-rules.ts';

export interface LayerReport {
  /** How many files were looked at: a check that saw nothing has not passed. */
  readonly files: number;
  readonly violations: readonly LayerViolation[];
}

export interface LayerViolation {
  readonly rule: string;
  /** One line: who does what, and what to do instead. */
  readonly message: string;
}

/** Checks imports against the layers, and that only composition roots read the environment. */
export async function checkLayers(root: string): Promise<LayerReport> {
  const modules = await cruiseImports(root);
  return {
    files: modules.summary.totalCruised,
    violations: [...modules.summary.violations.map(importViolation), ...environmentViolations(root)],
  };
}

async function cruiseImports(root: string): Promise<ICruiseResult> {
  const folders = ['packages', 'examples', 'scripts'].filter((folder) => readdirSync(root).includes(folder));
  const resolve = {
    conditionNames: ['@genie/source', 'types', 'import', 'node', 'default'],
    exportsFields: ['exports'],
  };
  const { output } = await cruise(
    folders,
    {
      baseDir: root,
      validate: true,
      ruleSet: { forbidden: [...layerRules] },
      tsPreCompilationDeps: true,
      doNotFollow: { path: 'node_modules' },
      exclude: { path: '(^|/)(dist|[.]tsc|node_modules/[.]cache)/' },
    },
    resolve,
  );
  if (typeof output === 'string') throw new Error(`dependency-cruiser answered with text: ${output}`);
  return output;
}

function importViolation(violation: ICruiseResult['summary']['violations'][number]): LayerViolation {
  const rule = layerRules.find(({ name }) => name === violation.rule.name);
  const way = violation.cycle?.map(({ name }) => name).join(' → ') ?? violation.to;
  return { rule: violation.rule.name, message: `${violation.from} → ${way}: ${rule?.comment ?? ''}` };
}

/** Packages below the command line get clock, ids and settings through `deps`, so a test decides what they see. */
function environmentViolations(root: string): LayerViolation[] {
  const files = readdirSync(path.join(root, 'packages'), { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => /^(?!cli\/)[^/]+\/src\/.*\.ts$/.test(file) && !file.endsWith('.test.ts'));
  return files.flatMap((file) =>
    environmentReads(readFileSync(path.join(root, 'packages', file), 'utf8')).map((line) => ({
      rule: 'environment-in-composition-root',
      message: `packages/${file}:${line} reads the environment: take the value as an option, packages/cli passes it in.`,
    })),
  );
}

if (import.meta.main) {
  const { files, violations } = await checkLayers(path.dirname(import.meta.dirname));
  for (const { rule, message } of violations) console.error(`${rule}: ${message}`);
  if (files < 20) throw new Error(`Only ${files} files were seen, the check does not see the sources.`);
  console.log(`layers: ${files} files, ${violations.length} violations`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}

import type { ConformanceSuite } from '@genie/core/conformance';

export interface NamedSuite {
  /** In words with dashes, from the name of the export: `journalSuite` is `journal`. */
  readonly name: string;
  /** The entry that exports it. */
  readonly from: string;
  readonly suite: ConformanceSuite<unknown>;
}

const entries: Readonly<Record<string, () => Promise<object>>> = {
  '@genie/core/conformance': () => import('@genie/core/conformance'),
  '@genie/memory/conformance': () => import('@genie/memory/conformance'),
  '@genie/metrics/conformance': () => import('@genie/metrics/conformance'),
  '@genie/tools/conformance': () => import('@genie/tools/conformance'),
  '@genie/egress/conformance': () => import('@genie/egress/conformance'),
  '@genie/inference/conformance': () => import('@genie/inference/conformance'),
  '@genie/adapters/conformance': () => import('@genie/adapters/conformance'),
};

/** Every suite that the packages export, by name. */
export async function loadSuites(): Promise<readonly NamedSuite[]> {
  const loaded = await Promise.all(
    Object.entries(entries).map(async ([from, load]) => ({ from, exported: await load() })),
  );
  const named = loaded.flatMap(({ from, exported }) =>
    Object.entries(exported).flatMap(([name, value]) =>
      isSuite(value) ? [{ name: suiteName(name), from, suite: value }] : [],
    ),
  );
  // The adapters' kit exports the suites of the others again.
  const seen = new Set<ConformanceSuite<unknown>>();
  const once = named.filter(({ suite }) => !seen.has(suite) && seen.add(suite));
  return once.sort((left, right) => (left.name < right.name ? -1 : 1));
}

function isSuite(value: unknown): value is ConformanceSuite<unknown> {
  const suite = value as Partial<ConformanceSuite<unknown>> | null;
  return typeof suite === 'object' && suite !== null && typeof suite.port === 'string' && Array.isArray(suite.cases);
}

function suiteName(exportName: string): string {
  const words = exportName.replace(/(?:Suite|Conformance)$/, '').replace(/([a-z0-9])([A-Z])/g, '$1-$2');
  return words.toLowerCase();
}

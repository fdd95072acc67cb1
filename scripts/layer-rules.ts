import type { IForbiddenRuleType } from 'dependency-cruiser';

const siblings = 'memory|metrics|tools|egress|inference';
/** What is published: tests, benches and demos compose freely, so the rules about packages leave them out. */
const published = { tests: '[.]test[.]ts$' };

/**
 * The layers: core ← { memory, metrics, tools, egress, inference } ← adapters ← cli ← examples.
 * Siblings meet in core's ports, so each of them can be used, tested and replaced alone.
 */
export const layerRules: readonly IForbiddenRuleType[] = [
  {
    name: 'no-cycles',
    comment: 'A cycle makes two files one. Type-only imports count: they couple the readers just as much.',
    severity: 'error',
    from: {},
    to: { circular: true },
  },
  {
    name: 'core-imports-no-package',
    comment: 'Core is below everything: declare a port in core and let the upper layer implement it.',
    severity: 'error',
    from: { path: '^packages/core/src/' },
    to: { path: '^packages/(?!core/)' },
  },
  {
    name: 'siblings-meet-in-core',
    comment: 'Siblings never import each other, nor a layer above: move the shared part to core as a port.',
    severity: 'error',
    from: { path: `^packages/(${siblings})/src/` },
    to: { path: '^packages/', pathNot: '^packages/(?:core|$1)/' },
  },
  {
    name: 'adapters-below-cli',
    comment: 'An adapter serves any composition root, so it cannot know one.',
    severity: 'error',
    from: { path: '^packages/adapters/src/' },
    to: { path: '^packages/cli/' },
  },
  {
    name: 'packages-below-examples',
    comment: 'A published package cannot depend on what is not published.',
    severity: 'error',
    from: { path: '^packages/[^/]+/src/' },
    to: { path: '^(?:examples|scripts|tooling|docs)/' },
  },
  {
    name: 'public-entries-only',
    comment: 'Across packages only what package.json exports may be imported, by its package name.',
    severity: 'error',
    from: { path: '^(packages/[^/]+|examples/[^/]+|scripts)/' },
    to: { path: '^packages/[^/]+/src/lib/', pathNot: '^$1/' },
  },
  {
    name: 'no-relative-way-out',
    comment: 'A relative path into another package does not exist once the package is published.',
    severity: 'error',
    from: { path: '^(packages/[^/]+)/src/' },
    to: { path: '^packages/', pathNot: '^$1/', dependencyTypes: ['local'] },
  },
  {
    name: 'declared-dependencies-only',
    comment: 'The package would work here, where siblings installed it, and fail at its users.',
    severity: 'error',
    from: { path: '^packages/[^/]+/src/', pathNot: published.tests },
    to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
  },
  {
    name: 'no-development-dependencies',
    comment: 'Users do not get devDependencies.',
    severity: 'error',
    from: { path: '^packages/[^/]+/src/', pathNot: published.tests },
    to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm-peer', 'npm-optional', 'npm'] },
  },
  {
    name: 'resolvable',
    comment: 'An import that leads nowhere hides from every other rule.',
    severity: 'error',
    from: { path: '^packages/' },
    to: { couldNotResolve: true },
  },
  {
    name: 'tests-are-leaves',
    comment: 'A file that a test shares belongs in a file of its own.',
    severity: 'error',
    from: {},
    to: { path: published.tests },
  },
];

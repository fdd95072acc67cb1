import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

// Siblings resolve to their sources, so tests need no build. The first list is for modules that vite transforms, the flag is for
// those that Node loads itself and for processes that a test forks.
// Without `module`, which is for bundlers: Node takes it literally in forks and finds files that only a bundler can read.
const conditions = ['@genie/source', ...defaultServerConditions.filter((condition) => condition !== 'module')];
const execArgv = ['--conditions=@genie/source', '--disable-warning=ExperimentalWarning'];

const packages = readdirSync(new URL('packages', import.meta.url));

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    pool: 'forks',
    // Much of a test's time is waiting for processes and clocks, so even two cores carry two workers.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    execArgv,
    testTimeout: 15_000,
    hookTimeout: 15_000,
    coverage: { include: ['packages/*/src/**/*.ts'] },
    projects: [
      ...packages.map((name) => ({
        extends: true as const,
        test: { name, root: `packages/${name}`, include: ['{src,bench,soak,demo}/**/*.test.ts'] },
      })),
      { extends: true as const, test: { name: 'scripts', include: ['scripts/**/*.test.ts'], testTimeout: 60_000 } },
    ],
  },
});

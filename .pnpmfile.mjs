// In the workspace `exports` points at the sources, so that nothing has to be built. A published package has only `dist`, so packing
// drops what leads to the sources and what only the workspace uses.
function beforePacking(manifest) {
  const { devDependencies, scripts, ...published } = manifest;
  published.exports = Object.fromEntries(
    Object.entries(manifest.exports ?? {}).map(([entry, { '@genie/source': source, ...conditions }]) => [
      entry,
      conditions,
    ]),
  );
  if (manifest.dependencies) {
    published.dependencies = Object.fromEntries(
      Object.entries(manifest.dependencies).map(([name, range]) => [name, shared.has(name) ? `^${range}` : range]),
    );
  }
  if (Array.isArray(published.sideEffects)) {
    published.sideEffects = published.sideEffects.filter((file) => !file.includes('/src/'));
  }
  return published;
}

// What passes between a user's code and ours should be there once. Everything else stays at the version it was tested with.
const shared = new Set(['zod', '@ai-sdk/provider', '@standard-schema/spec']);

export const hooks = { beforePacking };

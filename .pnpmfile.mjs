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
  // The workspace pins exact versions for reproducible checks; users share one copy of a library with their other packages.
  if (manifest.dependencies) published.dependencies = mapValues(manifest.dependencies, allowCompatible);
  if (Array.isArray(published.sideEffects)) {
    published.sideEffects = published.sideEffects.filter((file) => !file.includes('/src/'));
  }
  return published;
}

function mapValues(record, change) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function allowCompatible(range) {
  return /^\d/.test(range) ? `^${range}` : range;
}

export const hooks = { beforePacking };

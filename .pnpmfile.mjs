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
  if (Array.isArray(published.sideEffects)) {
    published.sideEffects = published.sideEffects.filter((file) => !file.includes('/src/'));
  }
  return published;
}

export const hooks = { beforePacking };

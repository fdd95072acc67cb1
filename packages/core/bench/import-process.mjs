// Imports what it is told and reports what that cost. Prints one line of JSON.
const [specifier = ''] = process.argv.slice(2);
const startedAt = performance.now();
await import(specifier);
const importMs = performance.now() - startedAt;
// A turn of the event loop, so that whatever starts at import has started.
await new Promise((resolve) => setImmediate(resolve));
const resources = process.getActiveResourcesInfo().filter((name) => name !== 'Immediate' && !name.endsWith('Wrap'));
const result = { importMs, rssMb: process.memoryUsage.rss() / 2 ** 20, resources };
process.stdout.write(`${JSON.stringify(result)}\n`);

import { createHash } from 'node:crypto';
import { createS3Objects } from '@genie/adapters/s3';

// Sends a gigabyte and reads it again, and looks at its own memory all the while.
const bytes = 2 ** 30;
const piece = Buffer.alloc(256 * 1024);
const store = await createS3Objects({ ...JSON.parse(process.argv[2] ?? '{}'), bucket: 'tests' });
// Warm: what the SDK loads at its first call is not what a gigabyte costs.
await store.put('small', Buffer.from('x'));
globalThis.gc?.();
const baseMegabytes = process.memoryUsage.rss() / 1e6;
let megabytes = baseMegabytes;
const look = setInterval(() => {
  megabytes = Math.max(megabytes, process.memoryUsage.rss() / 1e6);
}, 50);
const sent = createHash('sha256');
async function* content() {
  for (let offset = 0; offset < bytes; offset += piece.length) {
    // Its own numbers in every piece, in a buffer of its own.
    const chunk = Buffer.from(piece);
    for (let index = 0; index < chunk.length; index += 4096) chunk.writeUInt32LE((offset + index) >>> 0, index);
    sent.update(chunk);
    yield chunk;
  }
}
const startedAt = performance.now();
const info = await store.put('large', content());
const received = createHash('sha256');
let length = 0;
const found = await store.get('large');
if (!found) throw new Error('it is not there');
for await (const chunk of found.content) {
  received.update(chunk);
  length += chunk.length;
}
clearInterval(look);
const digest = received.digest('hex');
process.send?.({
  megabytes,
  baseMegabytes,
  seconds: (performance.now() - startedAt) / 1000,
  isEqual: digest === sent.digest('hex') && digest === info.sha256 && length === bytes,
});
await store.delete('large');
await store.close();

import { openMutationQueue } from '@genie/egress';

// Queues mutations and sends them, until it is killed. What it reports as queued is what must not be lost.
const [dir = '', sinkPort = '', life = ''] = process.argv.slice(2);
const queue = await openMutationQueue({
  dir,
  firstPauseMs: 1,
  maxPauseMs: 5,
  maxItems: 100_000,
  async send(mutation) {
    const answer = await fetch(`http://127.0.0.1:${sinkPort}/`, {
      method: 'POST',
      headers: { 'idempotency-key': mutation.key },
      body: JSON.stringify(mutation.payload),
    });
    return answer.status === 409 ? { conflict: await answer.text() } : 'done';
  },
});
process.send?.('ready');
const own = life === 'last' ? 0 : 12;
for (let index = 0; index < own; index += 1) {
  const key = `${life}-${index}`;
  await queue.enqueue({ key, kind: 'note', payload: key });
  process.send?.(key);
  if (index % 3 === 0) void queue.flush().catch(() => undefined);
}
while ((await queue.flush()).left > 0) await new Promise((resolve) => setTimeout(resolve, 5));
await queue.close();
process.disconnect();

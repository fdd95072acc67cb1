import { openPostgres } from '@genie/adapters/postgres';

/** One server process of the bench: takes wakes and writes what it does by plain inserts, so that doing it twice shows. */
const [url = '', name = ''] = process.argv.slice(2);
const postgres = await openPostgres({
  url,
  migrate: false,
  silenceMs: 10_000,
  onWarning: ({ message }) => console.error(`${name}: ${message}`),
});
const wakes = await postgres.wakes();
await wakes.work(
  async (wake) => {
    await wake.accept(async (query) => {
      await query('INSERT INTO public.effects (wake_id, server, due_at) VALUES ($1, $2, $3)', [
        wake.id,
        name,
        wake.dueAt,
      ]);
    });
  },
  { concurrency: 100 },
);
process.send?.('ready');
process.on('disconnect', () => process.exit(0));

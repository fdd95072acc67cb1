import { type GenieFile, readGenieFile } from '@genie/core/home';
import { readSettings } from './genie-settings.ts';
import type { GenieStore } from './genie-store.ts';
import { type HomeStoreOptions, openHomeStore } from './home-store.ts';
import { type StoreChoice, storeUrl } from './store-reference.ts';

export interface OpenStoreOptions extends HomeStoreOptions, StoreChoice {
  readonly file: GenieFile;
}

/**
 * Opens what a genie keeps, where it keeps it. The home is not owned by that.
 * Rejects with `GENIE_CLI_USAGE` for a reference that leads nowhere, and the codes of `openApprovals` and `openPostgres`.
 */
export async function openStore(options: OpenStoreOptions): Promise<GenieStore> {
  const { home, file } = options;
  const url = storeUrl(options, readSettings(home, file).store);
  if (url === undefined) return openHomeStore(options);
  const { openPostgresStore } = await import('./postgres-store.ts');
  return openPostgresStore({ ...options, url, genieId: file.id });
}

/** Opens it for one piece of work. Rejects with the codes of `readGenieFile` too. */
export async function withStore<Result>(
  home: string,
  choice: StoreChoice,
  work: (store: GenieStore, file: GenieFile) => Promise<Result>,
): Promise<Result> {
  const file = readGenieFile(home);
  const store = await openStore({ home, file, ...choice });
  try {
    return await work(store, file);
  } finally {
    await store.close();
  }
}

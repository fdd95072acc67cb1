import { readGenieFile } from '@genie/core/home';
import { readSettings } from '../compose/genie-settings.ts';
import { withStore } from '../compose/open-store.ts';
import { type StoreChoice, storeUrl } from '../compose/store-reference.ts';

/**
 * Removes what a genie keeps outside of its home. To be called before the home goes, since only `genie.json` leads there. A home that cannot be read any
 * more leads nowhere; a database that cannot be reached rejects with the codes of `openStore`.
 */
export async function removeKept(home: string, choice: StoreChoice): Promise<void> {
  let setting: string | undefined;
  try {
    setting = readSettings(home, readGenieFile(home)).store;
  } catch {
    return;
  }
  if (storeUrl(choice, setting) !== undefined) await withStore(home, choice, (store) => store.remove());
}

import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { genieFilePath } from '@genie/core/home';

/** An editor or an atomic replacement makes several events of one change. */
const settleMs = 50;

/**
 * Calls back when another process, or the user by hand, changed `genie.json`. Where the file system cannot say so, nothing happens: the
 * change counts when the home is opened next. Keeps no process alive. Returns how to stop.
 */
export function watchSettings(home: string, onChange: () => void): () => void {
  const file = genieFilePath(home);
  let timer: NodeJS.Timeout | undefined;
  const settle = (): void => {
    clearTimeout(timer);
    timer = setTimeout(onChange, settleMs);
    timer.unref();
  };
  try {
    // The folder, because the file is replaced and not written.
    const watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
      if (name === basename(file)) settle();
    });
    watcher.on('error', () => watcher.close());
    return () => {
      clearTimeout(timer);
      watcher.close();
    };
  } catch {
    return () => undefined;
  }
}

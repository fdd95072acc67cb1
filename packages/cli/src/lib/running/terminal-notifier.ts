import type { Notification, NotifierPort } from '@genie/core/ports';

/**
 * Delivers to the person at this terminal: what `show` prints has arrived. The same id is shown once. A command that prints
 * the whole briefing itself when the run ends shows nothing here.
 */
export function createTerminalNotifier(show: (notification: Notification) => void): NotifierPort {
  const shown = new Set<string>();
  return {
    notify(notification) {
      const isRepeated = shown.has(notification.id);
      shown.add(notification.id);
      if (!isRepeated) show(notification);
      return Promise.resolve([
        { target: 'terminal', status: isRepeated ? ('duplicate' as const) : ('delivered' as const) },
      ]);
    },
    close: () => Promise.resolve(),
  };
}

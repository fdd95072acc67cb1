import type { LoopEvent } from '../events/genie-event.ts';
import { describeThrown } from '../genie-error.ts';

/** A listener whose errors, also those of a promise it returns, reach neither the loop nor the process. Told of once. */
export function callSafely(listener: (event: LoopEvent) => unknown): (event: LoopEvent) => void {
  let isTold = false;
  const report = (error: unknown): void => {
    if (isTold) return;
    isTold = true;
    process.emitWarning(`onEvent threw: ${describeThrown(error)}`, { code: 'GENIE_EVENT_LISTENER' });
  };
  return (event) => {
    try {
      const result = listener(event);
      if (result instanceof Promise) result.catch(report);
    } catch (error) {
      report(error);
    }
  };
}

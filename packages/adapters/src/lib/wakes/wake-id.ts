import { GenieError } from '@genie/core/errors';

const genieForm = /^[\w.@:-]{1,200}$/;

/** The same on every server and after every crash. */
export function wakeIdOf(genie: string, dueAt: number): string {
  return `wake_${new Date(dueAt).toISOString().replaceAll(/[-:.]/g, '')}_${genie}`;
}

/** Throws `GENIE_WAKES_GENIE` for an id that cannot be part of the id of a wake. */
export function checkGenieId(genieId: string): void {
  if (genieForm.test(genieId)) return;
  throw new GenieError(
    'GENIE_WAKES_GENIE',
    `Genie id ${JSON.stringify(genieId.slice(0, 80))} cannot be scheduled: use 1 to 200 letters, digits, "_", ".", "@", ":" and "-".`,
  );
}

import { describeThrown, GenieError } from '@genie/core/errors';
import { type GenieFile, genieFileSchema, readGenieFile, writeGenieFile } from '@genie/core/home';
import { canonicalJson, type JsonObject } from '@genie/core/ports';
import { parseSchedule } from '@genie/core/schedule';
import type { GenieSettings, SettingsTarget } from '@genie/metrics';
import { readSettings } from '../compose/genie-settings.ts';

export interface GenieSettingsOptions {
  readonly home: string;
  /** The models that are used while `genie.json` names none. */
  readonly models?: { readonly planning: string; readonly execution: string };
  /** Throws for a reference that no model can be made of. */
  readonly checkModel?: (reference: string) => void;
  /** Called after every write. Its failure is the write's. */
  readonly onWrite?: () => Promise<void>;
}

/** `genie.json` as what adjustments change. Nothing is written that a genie could not be opened with. */
export function genieSettings({ home, models, checkModel, onWrite }: GenieSettingsOptions): SettingsTarget {
  return {
    async read() {
      return withModels(readGenieFile(home), models);
    },
    check(next) {
      try {
        const file = genieFileSchema.parse(next);
        readSettings(home, file);
        if (file.schedule) parseSchedule(file.schedule as Parameters<typeof parseSchedule>[0]);
        for (const reference of Object.values(file.models ?? {})) checkModel?.(reference);
      } catch (error) {
        const message = `The genie could not be opened with these settings: ${describeThrown(error)}`;
        throw new GenieError('GENIE_ADJUSTMENT_INVALID', message, { cause: error });
      }
    },
    async write(next) {
      writeGenieFile(home, withoutModels(next, readGenieFile(home), models));
      await onWrite?.();
    },
  };
}

/** A genie that names no models still has some, and an adjustment of one of them must not lose the other. */
function withModels(file: GenieFile, models: GenieSettingsOptions['models']): GenieSettings {
  const whole = file.models === undefined && models !== undefined ? { ...file, models: { ...models } } : file;
  return JSON.parse(JSON.stringify(whole)) as JsonObject;
}

/** An adjustment of something else does not pin models that were found on the way. */
function withoutModels(next: GenieSettings, file: GenieFile, models: GenieSettingsOptions['models']): GenieFile {
  const { models: named, ...rest } = next;
  const found =
    file.models === undefined && models !== undefined && canonicalJson(named) === canonicalJson({ ...models });
  return (found ? rest : next) as unknown as GenieFile;
}

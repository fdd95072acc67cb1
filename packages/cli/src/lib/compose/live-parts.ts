import type { Genie } from '@genie/core';
import { type GenieFile, readGenieFile } from '@genie/core/home';
import { canonicalJson } from '@genie/core/ports';
import { createRunParts, type RunParts, type RunPartsDeps } from '../metrics/run-parts.ts';
import { type GenieSettings, readSettings } from './genie-settings.ts';
import type { ModelReferences, OpenModels } from './open-models.ts';

export interface LivePartsDeps {
  readonly home: string;
  /** What the settings do not change. */
  readonly shared: Omit<RunPartsDeps, 'file' | 'settings' | 'models'>;
  readonly first: { readonly file: GenieFile; readonly settings: GenieSettings; readonly models: OpenModels };
  readonly openModels: (now: { readonly file: GenieFile; readonly settings: GenieSettings }) => Promise<OpenModels>;
  /** The models that these settings stand for. */
  readonly referencesOf: (file: GenieFile) => ModelReferences;
}

/** What the runs of a genie work with, as `genie.json` says it now. */
export interface LiveParts {
  readonly file: GenieFile;
  readonly settings: GenieSettings;
  readonly models: OpenModels;
  readonly parts: RunParts;
  /** Reads `genie.json` again: what an adjustment or a person changed counts from the next run on. */
  refresh(genie: Pick<Genie, 'update'>): Promise<void>;
}

export function createLiveParts({ home, shared, first, openModels, referencesOf }: LivePartsDeps): LiveParts {
  let live = { ...first, parts: createRunParts({ ...shared, ...first }) };
  return {
    get file() {
      return live.file;
    },
    get settings() {
      return live.settings;
    },
    get models() {
      return live.models;
    },
    get parts() {
      return live.parts;
    },
    async refresh(genie) {
      const file = readGenieFile(home);
      if (canonicalJson(file) === canonicalJson(live.file)) return;
      const settings = readSettings(home, file);
      const modelsOf = (from: GenieFile, { fallbackModels, modelBaseUrl = '' }: GenieSettings): string =>
        canonicalJson({ ...referencesOf(from), fallbackModels, modelBaseUrl });
      const isSame = modelsOf(file, settings) === modelsOf(live.file, live.settings);
      const models = isSame ? live.models : await openModels({ file, settings });
      const parts = createRunParts({ ...shared, file, settings, models });
      await genie.update(parts.options);
      live = { file, settings, models, parts };
    },
  };
}

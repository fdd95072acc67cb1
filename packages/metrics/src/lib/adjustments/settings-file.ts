import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { GenieError } from '@genie/core/errors';
import { parseJson } from '@genie/core/ports';
import { readTextIfAny, writeFileAtomic } from '../store/atomic-file.ts';
import type { GenieSettings, SettingsTarget } from './settings.ts';

/** Settings in a JSON file, replaced atomically. A missing file reads as `{}`. Throws `GENIE_METRICS_FORMAT` for one that is no JSON object. */
export function settingsFile(file: string): SettingsTarget {
  return {
    async read() {
      const text = readTextIfAny(file);
      if (text === undefined) return {};
      try {
        const value = parseJson(text);
        if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as GenieSettings;
      } catch {
        // Falls through to the same message.
      }
      throw new GenieError(
        'GENIE_METRICS_FORMAT',
        `${file} is no JSON object. Repair it, or move it away to start with empty settings.`,
      );
    },
    async write(next) {
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileAtomic(file, `${JSON.stringify(next, undefined, 2)}\n`);
    },
  };
}

import * as fs from 'node:fs';
import { describeThrown, GenieError } from '@genie/core/errors';
import { type GenieFile, writeGenieFile } from '@genie/core/home';
import { createIds, systemClock } from '@genie/core/ports';
import { toEntry } from '../compose/model-hosts.ts';
import type { Wishes } from './gather-wishes.ts';

/** Makes a home with its `genie.json`: what the user said, before anything is proposed. Throws `GENIE_HOME_UNREADABLE`. */
export function createHome(home: string, wishes: Wishes): GenieFile {
  const { goal, sources, models, budget, price, baseUrl, instructions, allow, store, toolbox } = wishes;
  const named = models.planning !== undefined && models.execution !== undefined;
  const file = {
    format: 1 as const,
    id: createIds(systemClock).next('genie'),
    goal,
    createdAt: systemClock.now(),
    sources: [...sources],
    ...(instructions ? { instructions } : {}),
    ...(named ? { models: { planning: models.planning, execution: models.execution } } : {}),
    ...(Object.keys(budget).length > 0 ? { budget } : {}),
    ...(price ? { prices: { planning: price, execution: price } } : {}),
    ...(baseUrl ? { modelBaseUrl: baseUrl } : {}),
    ...(store ? { store } : {}),
    ...(toolbox.length > 0 ? { toolbox: Object.fromEntries(toolbox.map((part) => [part, true])) } : {}),
    egress: { allow: [...allow, ...baseUrlEntry(baseUrl)] },
  } as GenieFile;
  try {
    fs.mkdirSync(home, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new GenieError('GENIE_HOME_UNREADABLE', `The home ${home} cannot be made (${describeThrown(error)}).`, {
      cause: error,
    });
  }
  writeGenieFile(home, file);
  return file;
}

function baseUrlEntry(baseUrl: string | undefined): readonly string[] {
  return baseUrl !== undefined && URL.canParse(baseUrl) ? [toEntry(baseUrl)] : [];
}

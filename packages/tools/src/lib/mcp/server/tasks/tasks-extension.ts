import type { JsonObject } from '@genie/core';
import { isRecord } from '../../content.ts';

/** https://modelcontextprotocol.io/seps/2663-tasks-extension */
export const tasksExtension = 'io.modelcontextprotocol/tasks';

export function supportsTasks(clientCapabilities: JsonObject): boolean {
  const { extensions } = clientCapabilities;
  return isRecord(extensions) && Object.hasOwn(extensions, tasksExtension);
}

import { join } from 'node:path';

/** Folder of a home where each server's own files, the accepted tools and the playbooks are. */
export function mcpFolder(home: string): string {
  return join(home, 'mcp');
}

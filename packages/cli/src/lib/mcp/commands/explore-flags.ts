import type { Flags } from '../../cli/command.ts';

export const exploreFlags: Flags = {
  calls: { type: 'number', value: 'N', help: 'explore: most calls to each server (default 10)' },
};

import type { Flags } from '../../cli/command.ts';

export const chainFlags: Flags = {
  accept: { type: 'text', value: 'CHAIN', help: 'chains: make a playbook of it, which the planning model is told' },
  refuse: { type: 'text', value: 'CHAIN', help: 'chains: no playbook, also when it was one; it is not shown again' },
};

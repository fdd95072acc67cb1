import type { EgressGrade, SandboxCapabilities } from '@genie/core';

/** What the active sandbox stops, and in plain words what it does not. */
export function sandboxCapabilities(facts: {
  readonly network: EgressGrade | undefined;
  readonly memory: 'group' | 'watched';
  readonly filtered: boolean;
}): SandboxCapabilities {
  return {
    name: 'bubblewrap',
    isolatesFiles: true,
    isolatesNetwork: facts.network === undefined || facts.network === 'contained',
    isolatesProcesses: true,
    limitsMemory: facts.memory === 'group',
    doesNotStop: [
      'a fault in the kernel itself: the command shares it with the host',
      'filling the disk through the workspace, beyond the limit on one file',
      'reading the programs of the host (/usr), and its processor, kernel version and mount table, which names the folder of the workspace',
      ...(facts.network === 'proxy' ? ['network use of a program that ignores the proxy'] : []),
      ...(facts.memory === 'watched'
        ? [
            'a burst of memory shorter than 50 ms across several processes: there is no control group, memory is watched',
            'memory of the kernel itself, for instance for millions of empty files in /tmp',
          ]
        : []),
      ...(facts.filtered ? [] : ['unusual system calls: there is no filter for this processor']),
    ],
  };
}

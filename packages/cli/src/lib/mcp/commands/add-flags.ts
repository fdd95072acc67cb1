import type { Flags } from '../../cli/command.ts';

export const addFlags: Flags = {
  url: { type: 'text', value: 'URL', help: 'add: where the server is, instead of a program after --' },
  'token-from': { type: 'text', value: 'NAME', help: 'add: the environment variable that holds the bearer token' },
  env: {
    type: 'text',
    value: 'NAME[=FROM]',
    repeatable: true,
    help: 'add: a variable the program gets; its value is read from FROM when the genie runs, and never stored',
  },
  set: { type: 'text', value: 'NAME=VALUE', repeatable: true, help: 'add: a variable with a value that is no secret' },
  read: { type: 'text', value: 'PATH', repeatable: true, help: 'add: what the program may read' },
  write: { type: 'text', value: 'DIR', repeatable: true, help: 'add: where the program may also write' },
  network: { type: 'text', value: 'HOST', repeatable: true, help: 'add: a host the program may reach' },
  tools: {
    type: 'text',
    value: 'NAME',
    repeatable: true,
    help: 'add: offer only these tools; * stands for any letters',
  },
  approval: {
    type: 'text',
    value: 'RULE',
    choices: ['writes', 'always', 'never'],
    help: 'add: before which calls you are asked (default writes)',
  },
  sampling: { type: 'boolean', help: 'add: let the server put questions to the model' },
  explore: {
    type: 'boolean',
    help: 'add: let "genie watch" try what only reads, once a day, while no run is going on',
  },
  sandbox: { type: 'boolean', help: 'add: on by default; --no-sandbox starts the program with nothing around it' },
  source: { type: 'text', value: 'URI', repeatable: true, help: 'add: a document of it that every briefing reads' },
};

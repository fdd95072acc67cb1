import type { Catalogue } from './command.ts';

export const catalogue: Catalogue = {
  new: { summary: 'make a genie: analyse a goal, approve the plan', load: () => import('../../commands/new.ts') },
  run: { summary: 'wake a genie now', load: () => import('../../commands/run.ts') },
  chat: { summary: 'talk to a genie', load: () => import('../../commands/chat.ts') },
  watch: { summary: 'wake genies by their schedule, in this process', load: () => import('../../commands/watch.ts') },
  approve: { summary: 'see and decide what genies ask', load: () => import('../../commands/approve.ts') },
  resume: { summary: 'go on with runs that wait or were interrupted', load: () => import('../../commands/resume.ts') },
  list: { summary: 'list genies', load: () => import('../../commands/list.ts') },
  show: { summary: 'show a genie, or one run with its records', load: () => import('../../commands/show.ts') },
  memory: {
    summary: 'search, list, forget and move what a genie remembers',
    load: () => import('../../commands/memory.ts'),
  },
  metrics: {
    summary: 'show the KPIs of a genie, review it, undo a change',
    load: () => import('../../commands/metrics.ts'),
  },
  feedback: { summary: 'tell a genie what a briefing was worth', load: () => import('../../commands/feedback.ts') },
  experiment: {
    summary: 'try a proposed change in a copy before it is adopted',
    load: () => import('../../commands/experiment.ts'),
  },
  events: { summary: 'print what happens in a genie', load: () => import('../../commands/events.ts') },
  doctor: { summary: 'check this machine and a home', load: () => import('../../commands/doctor.ts') },
  export: { summary: 'copy a home with a manifest and checksums', load: () => import('../../commands/export.ts') },
  delete: { summary: 'delete a genie', load: () => import('../../commands/delete.ts') },
  mcp: { summary: 'serve a genie to MCP clients', load: () => import('../../commands/mcp.ts') },
  plugin: {
    summary: 'write, check and install plugins: tools from npm packages',
    load: () => import('../../commands/plugin.ts'),
  },
  egress: {
    summary: 'what left and what may leave; or the egress filter alone, as a forward proxy',
    load: () => import('../../commands/egress.ts'),
  },
  daemon: {
    summary: 'serve local models to genies and other programs',
    load: () => import('../../commands/daemon.ts'),
  },
  conformance: {
    summary: 'run a conformance suite against a module',
    load: () => import('../../commands/conformance.ts'),
  },
  completion: { summary: 'print the completion script of a shell', load: () => import('../../commands/completion.ts') },
  help: { summary: 'print this, or the help of a command', load: () => import('../../commands/help.ts') },
};

import { startPluginHost } from './lib/plugins/plugin-host.ts';

// A program, not a library: it does something only in a process that a runtime started with a channel.
if (process.send) startPluginHost();

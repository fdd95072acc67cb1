import type { Flags } from '../../cli/command.ts';

export const serveFlags: Flags = {
  stdio: { type: 'boolean', help: 'serve: speak over standard input and output, for clients that start servers' },
  http: { type: 'number', value: 'PORT', help: 'serve: Streamable HTTP on this port of 127.0.0.1 (0: any free one)' },
  token: { type: 'text', value: 'TOKEN', help: 'serve: the bearer token that HTTP clients have to bring' },
};

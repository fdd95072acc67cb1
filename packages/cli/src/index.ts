export type { OpenGenie, OpenGenieOptions } from './compose.ts';
export { openGenie } from './compose.ts';
export type { ExitCode } from './lib/cli/exit-codes.ts';
export { exitCodes } from './lib/cli/exit-codes.ts';
export type { CliProcess } from './lib/cli/run-cli.ts';
export { runCli } from './lib/cli/run-cli.ts';
export type { GenieSettings } from './lib/compose/genie-settings.ts';
export type { ModelReferences, OpenModels } from './lib/compose/open-models.ts';

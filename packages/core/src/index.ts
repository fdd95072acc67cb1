export type { ToolOptions } from './lib/tool/define-tool.ts';
export { defineTool } from './lib/tool/define-tool.ts';
export * from './errors.ts';
export * from './ports.ts';

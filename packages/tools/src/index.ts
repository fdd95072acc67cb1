export type { InspectContext, SourceInspector } from './lib/inspect/source-inspector.ts';
export { createSourceInspector } from './lib/inspect/source-inspector.ts';
export type { SourceToolsOptions } from './lib/sources/create-source-tools.ts';
export { createSourceTools } from './lib/sources/create-source-tools.ts';
export type { SourceItem, SourceOutput } from './lib/sources/source-output.ts';
export { createToolbox } from './lib/toolbox/create-toolbox.ts';

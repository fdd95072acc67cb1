export { memoryObjects } from './lib/testing/memory-objects.ts';
export { callTool, toolContext } from './lib/testing/tool-context.ts';

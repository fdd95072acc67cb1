export type { BudgetOptions } from './lib/loop/budget.ts';
export type {
  KeepOutput,
  LoopCall,
  LoopLimits,
  LoopState,
  ModelSettings,
  StopCondition,
} from './lib/loop/loop-context.ts';
export type { LoopFinish, LoopResult } from './lib/loop/loop-finish.ts';
export type { LoopHandle, LoopOptions } from './lib/loop/run-loop.ts';
export { runLoop } from './lib/loop/run-loop.ts';
export type { CallOutcome, LoopMessage } from './lib/loop/transcript.ts';
export type { ToolOptions } from './lib/tool/define-tool.ts';
export { defineTool } from './lib/tool/define-tool.ts';

export { createMemoryJournal } from './lib/journal/memory-journal.ts';
export type { FixedClock } from './lib/testing/fixed-clock.ts';
export { fixedClock } from './lib/testing/fixed-clock.ts';
export type { ScriptedAnswer, ScriptedModel, ScriptedModelOptions } from './lib/testing/scripted-model.ts';
export { scriptedModel } from './lib/testing/scripted-model.ts';

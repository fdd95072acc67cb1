// Leaves three unfinished runs in a home ("make"), or resumes them ("resume") and reports when the next call was made. One line of JSON.
import { createGenie, defineTool } from '@genie/core';
import { scriptedModel } from '@genie/core/testing';
import { z } from 'zod';

const [mode, home] = process.argv.slice(2);
let firstCallAt;
const called = () => {
  firstCallAt ??= performance.now();
};
const work = defineTool({
  name: 'work',
  description: 'Does a part of the work.',
  effect: 'idempotent',
  input: z.object({ step: z.number() }),
  run: ({ step }) => {
    called();
    return { step };
  },
});
const model = scriptedModel(({ prompt }) => {
  called();
  const step = prompt.filter((message) => message.role === 'assistant').length;
  if (mode === 'make' && step === 5) process.exit(0);
  return step < 8 ? { calls: [{ tool: 'work', input: { step } }] } : { text: 'done' };
});
const genie = createGenie({ home, goal: 'Go on', model, tools: [work], concurrentRuns: 3 });
if (mode === 'make')
  await Promise.all([1, 2, 3].map((run) => genie.run({ kind: 'manual' }, { runId: `run_${run}` }).outcome));
const unfinished = (await genie.journal.list()).filter((run) => run.status === 'open');
if (unfinished.length !== 3) throw new Error(`3 unfinished runs are expected, there are ${unfinished.length}`);
const resumedAt = performance.now();
const outcomes = await Promise.all(unfinished.map((run) => genie.resume(run.runId).outcome));
if (outcomes.some((outcome) => outcome.status !== 'completed')) throw new Error(JSON.stringify(outcomes));
await genie.close();
process.stdout.write(`${JSON.stringify({ resumeMs: firstCallAt - resumedAt, startMs: firstCallAt })}\n`);

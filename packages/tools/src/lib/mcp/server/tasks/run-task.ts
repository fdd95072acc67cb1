import type { JsonObject } from '@genie/core';
import { describeThrown, GenieError } from '@genie/core/errors';
import { errorResult } from '../../content.ts';
import { rpcCodes, rpcPart } from '../../mcp-errors.ts';
import { type McpCallContext, requireAskable } from '../call-context.ts';
import type { McpTool } from '../mcp-tool.ts';
import type { McpAnswer, McpQuestion } from '../question.ts';
import { isDone, type Task } from './task-store.ts';

export interface TaskRun {
  readonly task: Task;
  readonly tool: McpTool;
  readonly input: JsonObject;
  /** Of the request that created the task; its stream ends with the creation. */
  readonly context: McpCallContext;
  readonly now: () => number;
}

/** Runs a tool behind a task. Never rejects: everything that happens is in the task. */
export async function runTask(run: TaskRun): Promise<void> {
  const { task, tool, input, now } = run;
  const finish = (state: Task['state']): void => {
    if (isDone(task)) return;
    task.state = state;
    task.updatedAt = now();
    task.open.clear();
  };
  try {
    finish({ status: 'completed', result: await tool.run(input, taskContext(run)) });
  } catch (error) {
    const rpc = rpcPart(error);
    if (rpc) finish({ status: 'failed', error: { code: rpc.code, message: describeThrown(error) } });
    else if (GenieError.isInstance(error) || error instanceof Error)
      finish({ status: 'completed', result: errorResult(describeThrown(error)) });
    else finish({ status: 'failed', error: { code: rpcCodes.internal, message: describeThrown(error) } });
  }
}

function taskContext({ task, context, now }: TaskRun): McpCallContext {
  return {
    ...context,
    callId: task.id,
    signal: task.signal,
    async progress(done, total, message) {
      task.statusMessage = message ?? (total === undefined ? `${done}` : `${done} of ${total}`);
      task.updatedAt = now();
    },
    log: async () => undefined,
    ask: (questions) => askInTask(task, questions, context.clientCapabilities, now),
    closeStream: () => undefined,
  };
}

/** Waits for `tasks/update`. Answers may come one by one. */
async function askInTask(
  task: Task,
  questions: Readonly<Record<string, McpQuestion>>,
  declared: JsonObject,
  now: () => number,
): Promise<Readonly<Record<string, McpAnswer>>> {
  requireAskable(declared, questions);
  const answers: Record<string, McpAnswer> = {};
  const waiting = Object.entries(questions).map(
    ([key, question]) =>
      new Promise<void>((resolve, reject) => {
        const abort = (): void => reject(task.signal.reason);
        if (task.signal.aborted) return abort();
        task.signal.addEventListener('abort', abort, { once: true });
        task.open.set(freeKey(task, key), {
          question,
          settle(answer) {
            task.signal.removeEventListener('abort', abort);
            answers[key] = answer;
            resolve();
          },
        });
      }),
  );
  task.updatedAt = now();
  await Promise.all(waiting);
  return answers;
}

function freeKey(task: Task, key: string): string {
  let name = key;
  for (let count = 2; task.open.has(name); count += 1) name = `${key}-${count}`;
  return name;
}

import type { JsonObject } from '@genie/core';
import { isRecord } from '../../content.ts';
import { missingCapability, protocolError, rpcCodes } from '../../mcp-errors.ts';
import type { RequestBasics } from '../answer-request.ts';
import { questionToWire, readAnswer } from '../question.ts';
import { declaredCapabilities } from '../sdk-context.ts';
import { type Task, taskToWire } from './task-store.ts';
import { supportsTasks, tasksExtension } from './tasks-extension.ts';

/** Answers `tasks/get`: the task with its open questions, its result or its error. */
export function getTask(basics: RequestBasics, params: unknown): JsonObject {
  const task = findTask(basics, params);
  const questions = [...task.open].map(([key, { question }]) => [key, questionToWire(question)]);
  const { state } = task;
  return {
    ...taskToWire(task),
    ...(questions.length > 0 ? { inputRequests: Object.fromEntries(questions) } : {}),
    ...(state.status === 'completed' ? { result: state.result as unknown as JsonObject } : {}),
    ...(state.status === 'failed' ? { error: state.error } : {}),
  };
}

/** Answers `tasks/update`: hands answers to the questions they belong to; others are ignored. */
export function updateTask(basics: RequestBasics, params: unknown): JsonObject {
  const task = findTask(basics, params);
  for (const [key, value] of Object.entries(basics.request.mcpReq.inputResponses ?? {})) {
    const open = task.open.get(key);
    const answer = open && readAnswer(open.question, value);
    if (!open || !answer) continue;
    task.open.delete(key);
    open.settle(answer);
  }
  return {};
}

/** Answers `tasks/cancel`. A task that ended before stays as it is. */
export function cancelTask(basics: RequestBasics, params: unknown): JsonObject {
  findTask(basics, params).cancel();
  return {};
}

function findTask(basics: RequestBasics, params: unknown): Task {
  if (!supportsTasks(declaredCapabilities(basics))) throw missingCapability({ extensions: { [tasksExtension]: {} } });
  const taskId = isRecord(params) ? params.taskId : undefined;
  const task = typeof taskId === 'string' ? basics.definition.tasks.get(taskId) : undefined;
  if (!task) throw protocolError(rpcCodes.invalidParams, `There is no task ${JSON.stringify(taskId)}.`);
  return task;
}

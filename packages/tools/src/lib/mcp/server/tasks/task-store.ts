import { randomBytes } from 'node:crypto';
import type { Clock, JsonObject } from '@genie/core';
import { GenieError } from '@genie/core/errors';
import type { McpToolResult } from '../../content.ts';
import type { McpAnswer, McpQuestion } from '../question.ts';

export type TaskState =
  | { readonly status: 'working' }
  | { readonly status: 'completed'; readonly result: McpToolResult }
  | { readonly status: 'failed'; readonly error: { readonly code: number; readonly message: string } }
  | { readonly status: 'cancelled' };

/** Work that outlives its request. */
export interface Task {
  readonly id: string;
  readonly createdAt: number;
  readonly lifetimeMs: number;
  readonly signal: AbortSignal;
  updatedAt: number;
  state: TaskState;
  statusMessage: string | undefined;
  /** Questions that wait for the client, by the key that it answers with. */
  readonly open: Map<string, { readonly question: McpQuestion; settle(answer: McpAnswer): void }>;
  cancel(): void;
}

export interface TaskStoreOptions {
  readonly clock: Clock;
  readonly lifetimeMs: number;
  readonly maxTasks: number;
}

export interface TaskStore {
  /** Throws `GENIE_MCP_TASKS_FULL` when everything that is kept still runs. */
  create(): Task;
  get(id: string): Task | undefined;
  readonly size: number;
  close(): Promise<void>;
}

/** The value of `pollIntervalMs`: how often a client should look. */
export const taskPollMs = 500;

/** Tasks of this process. A finished one can be read for its lifetime, counted from its end; ids cannot be guessed. */
export function createTaskStore(options: TaskStoreOptions): TaskStore {
  const tasks = new Map<string, Task>();
  const dropExpired = (): void => {
    const now = options.clock.now();
    for (const [id, task] of tasks) if (isDone(task) && task.updatedAt + task.lifetimeMs < now) tasks.delete(id);
  };
  const makeRoom = (): void => {
    dropExpired();
    if (tasks.size < options.maxTasks) return;
    for (const [id, task] of tasks) {
      if (!isDone(task)) continue;
      tasks.delete(id);
      return;
    }
    throw new GenieError(
      'GENIE_MCP_TASKS_FULL',
      `${tasks.size} tasks are running and no more are accepted: wait for one to end, or raise "maxTasks".`,
    );
  };
  return {
    create() {
      makeRoom();
      const task = createTask(options);
      tasks.set(task.id, task);
      return task;
    },
    get(id) {
      dropExpired();
      return tasks.get(id);
    },
    get size() {
      return tasks.size;
    },
    async close() {
      for (const task of tasks.values()) task.cancel();
      tasks.clear();
    },
  };
}

export function isDone(task: Task): boolean {
  return task.state.status !== 'working';
}

function createTask({ clock, lifetimeMs }: TaskStoreOptions): Task {
  const controller = new AbortController();
  const task: Task = {
    id: `task_${randomBytes(16).toString('hex')}`,
    createdAt: clock.now(),
    lifetimeMs,
    signal: controller.signal,
    updatedAt: clock.now(),
    state: { status: 'working' },
    statusMessage: undefined,
    open: new Map(),
    cancel() {
      if (isDone(task)) return;
      task.state = { status: 'cancelled' };
      task.updatedAt = clock.now();
      task.open.clear();
      controller.abort(new GenieError('GENIE_MCP_CANCELLED', `Task ${task.id} was cancelled by its client.`));
    },
  };
  return task;
}

/** The envelope without result, as creation answers it. */
export function taskToWire(task: Task): JsonObject {
  return {
    taskId: task.id,
    status: task.open.size > 0 ? 'input_required' : task.state.status,
    ...(task.statusMessage === undefined ? {} : { statusMessage: task.statusMessage }),
    createdAt: new Date(task.createdAt).toISOString(),
    lastUpdatedAt: new Date(task.updatedAt).toISOString(),
    ttlMs: task.lifetimeMs,
    pollIntervalMs: taskPollMs,
  };
}

// What a body in a child is given: ports that do nothing, and an ear for what it says.
import type { TaskName } from '#core/catalogue/tasks.ts';
import type { TaskContext } from '#core/task.ts';
import { memoryLog } from '#memory/observed.ts';

export function sideOfExecutor(onReport: (report: unknown) => void) {
  const ending = new AbortController();
  const context = {
    ports: {},
    run: { id: 'run-1', tenant: 'acme', attempt: 1, fence: 1 },
    cursor: undefined,
    signal: ending.signal,
    nowMs: Date.now,
    progress: onReport,
    checkpoint: async (cursor: unknown) => {
      onReport(cursor);
      ending.signal.throwIfAborted();
    },
  } as unknown as TaskContext<TaskName>;
  return { context, ending, log: memoryLog() };
}

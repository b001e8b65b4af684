import type { Executors } from '#core/ports.ts';

/** ECS in memory: tasks are names; tests say what becomes of them. */
export function memoryExecutors() {
  const byToken = new Map<string, readonly string[]>();
  const stopped: { task: string; reason: string }[] = [];
  let counter = 0;
  const twin = {
    /** Capacities without room. */
    full: new Set<string>(),
    /** Every launch that was asked for, repeated ones too. */
    asked: [] as { family: string; count: number; capacity: string; token: string }[],
    stopped,
    /** Thrown after a launch was carried out and before its answer arrives: the dispatcher died. */
    diesAfterLaunch: false,
    async launch(request) {
      twin.asked.push({ ...request });
      if (twin.full.has(request.capacity)) return { tasks: [], refused: 'Capacity is unavailable at this time' };
      const tasks =
        byToken.get(request.token) ??
        Array.from({ length: request.count }, () => `arn:task/${request.family}/${(counter += 1)}`);
      byToken.set(request.token, tasks);
      if (twin.diesAfterLaunch) throw new Error('the process is gone');
      return { tasks };
    },
    async stop(task, reason) {
      stopped.push({ task, reason });
    },
  } satisfies Executors & Record<string, unknown>;
  return twin;
}

import type { TaskBody } from '#core/task.ts';

/** Looks for slots that never came, and makes up for them as their schedules say. */
export const reconcile: TaskBody<'beat.reconcile'> = (_payload, { ports, signal }) =>
  ports.reconciler.reconcile(signal);

import type { TaskBody } from '#core/task.ts';

/** Signs the hours of the audit that are over, oldest first, and locks each away; the next hour goes on where time ended it. */
export const anchor: TaskBody<'audit.anchor'> = async (_payload, { ports: { anchors }, signal }) => {
  const pending = await anchors.pending();
  let [hours, rows, breaks] = [0, 0, 0];
  for (const hour of pending) {
    if (signal.aborted) break;
    const anchored = await anchors.anchorHour(hour);
    hours += 1;
    rows += anchored.rows;
    breaks += anchored.breaks;
  }
  return { hours, rows, breaks, more: hours < pending.length };
};

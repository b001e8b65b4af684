import type { TaskBody } from '#core/task.ts';

/** Reads both records of the kill switch and mends what disagrees; then proves that Redis takes a write and gives it back. */
export const heartbeat: TaskBody<'killswitch.heartbeat'> = async (_payload, { ports }) => {
  const { state, repair, epoch } = await ports.killSwitch.repair();
  const roundTripMs = await ports.killSwitch.canary();
  const evictionPolicy = await ports.killSwitch.evictionPolicy();
  return { state, repair, epoch, roundTripMs, evictionPolicy };
};

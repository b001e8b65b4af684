// What a driven clock knows of the plane: whether anything is under way, what comes next, and who must hear of a jump.
import type { QueueWatch } from '#local/backplane.ts';
import type { Clock, Surroundings } from '#local/clock.ts';
import type { Lambdas } from '#local/lambda-host.ts';
import type { Mappings } from '#local/mappings.ts';
import type { Emit } from '#local/plane-event.ts';
import type { Scheduler } from '#local/scheduler.ts';

interface Parts {
  clock: Clock;
  scheduler: Scheduler;
  lambdas: Lambdas;
  mappings: Mappings;
  queues: QueueWatch;
  emit: Emit;
}

/** The clock's view of the running parts of one plane. */
export function surroundingsOf({ clock, scheduler, lambdas, mappings, queues, emit }: Parts): Surroundings {
  const toPlaneTime = (wallMs: number): number => wallMs - Date.now() + clock.now();
  const rests = (): boolean => lambdas.inFlight() === 0 && scheduler.pending() === 0;
  return {
    async isQuiet() {
      if (!rests()) return false;
      const begun = lambdas.begun();
      const quiet = await mappings.isQuiet();
      // Looking into an emulator takes time, in which an invocation may come, send on and go.
      return quiet && rests() && lambdas.begun() === begun;
    },
    async nextDueMs() {
      const returnMs = await mappings.nextReturnMs();
      const instants = [scheduler.nextDueMs(), returnMs === undefined ? undefined : toPlaneTime(returnMs)];
      const due = instants.filter((instant) => instant !== undefined);
      return due.length > 0 ? Math.min(...due) : undefined;
    },
    fireDue: () => scheduler.fireDue(),
    async onJump(byMs, toMs) {
      // Visibility timeouts and delays keep the plane's time too, or a hidden tick would be stale when it came back.
      await queues.pass(byMs);
      emit({ type: 'clock-jumped', byMs, toMs });
    },
  };
}

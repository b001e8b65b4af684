// What a driven clock knows of the plane: whether anything is under way, what comes next, and who must hear of a jump.
import type { Clock, Surroundings } from '#local/clock.ts';
import type { Lambdas } from '#local/lambda-host.ts';
import type { Mappings } from '#local/mappings.ts';
import type { Emit } from '#local/plane-event.ts';
import type { Queues } from '#local/queues.ts';
import type { Scheduler } from '#local/scheduler.ts';

interface Parts {
  clock: Clock;
  scheduler: Scheduler;
  lambdas: Lambdas;
  mappings: Mappings;
  queues: Queues;
  emit: Emit;
}

/** The clock's view of the running parts of one plane. */
export function surroundingsOf({ clock, scheduler, lambdas, mappings, queues, emit }: Parts): Surroundings {
  const toPlaneTime = (wallMs: number): number => wallMs - Date.now() + clock.now();
  return {
    isQuiet: () => lambdas.inFlight() === 0 && scheduler.pending() === 0 && mappings.isQuiet(),
    nextDueMs() {
      const returnMs = mappings.nextReturnMs();
      const instants = [scheduler.nextDueMs(), returnMs === undefined ? undefined : toPlaneTime(returnMs)];
      const due = instants.filter((instant) => instant !== undefined);
      return due.length > 0 ? Math.min(...due) : undefined;
    },
    fireDue: () => scheduler.fireDue(),
    onJump(byMs, toMs) {
      // Visibility timeouts and delays keep the plane's time too, or a hidden tick would be stale when it came back.
      queues.pass(byMs);
      emit({ type: 'clock-jumped', byMs, toMs });
    },
  };
}

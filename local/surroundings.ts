// What a driven clock knows of the plane: whether anything is under way, what comes next, and who must hear of a jump.
import type { QueueWatch } from '#local/backplane.ts';
import type { Clock, Surroundings } from '#local/clock.ts';
import type { ExecutorWatch } from '#local/executor-watch.ts';
import type { Lambdas } from '#local/lambda-host.ts';
import type { Mappings } from '#local/mappings.ts';
import type { Emit } from '#local/plane-event.ts';
import type { Scheduler } from '#local/scheduler.ts';

interface Parts {
  clock: Clock;
  scheduler: Scheduler;
  lambdas: Lambdas;
  mappings: Mappings;
  executors: ExecutorWatch;
  /** Messages that rules are sending, and requests that the doors have let in. */
  sending: () => number;
  queues: QueueWatch;
  emit: Emit;
}

/** The clock's view of the running parts of one plane. */
export function surroundingsOf(parts: Parts): Surroundings {
  const { clock, scheduler, lambdas, mappings, executors, queues, emit } = parts;
  const toPlaneTime = (wallMs: number): number => wallMs - Date.now() + clock.now();
  const rests = (): boolean => lambdas.inFlight() === 0 && scheduler.pending() === 0 && parts.sending() === 0;
  return {
    async isQuiet() {
      if (!rests()) return false;
      const begun = lambdas.begun();
      const quiet = (await executors.isQuiet()) && (await mappings.isQuiet());
      // Looking into an emulator takes time, in which an invocation may come, send on and go.
      return quiet && rests() && lambdas.begun() === begun;
    },
    async nextDueMs() {
      const returns = [await mappings.nextReturnMs(), await executors.nextReturnMs()];
      const instants = returns.map((wallMs) => (wallMs === undefined ? undefined : toPlaneTime(wallMs)));
      const due = [scheduler.nextDueMs(), ...instants].filter((instant) => instant !== undefined);
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

// The series that EventBridge Scheduler keeps of itself, one a group of schedules, counted from what the scheduler tells.
import { createMetrics, type Metrics, type MetricsRecorder } from '#local/metrics.ts';
import type { Emit } from '#local/plane-event.ts';
import type { ScheduleSpec } from '#local/schedule-resources.ts';

export const SCHEDULER_NAMESPACE = 'AWS/Scheduler';
type Counted =
  | 'InvocationAttemptCount'
  | 'TargetErrorCount'
  | 'InvocationDroppedCount'
  | 'InvocationsSentToDeadLetterCount';

interface CountingOptions {
  schedules: readonly ScheduleSpec[];
  nowMs: () => number;
  emit: Emit;
}

/** `emit` for the scheduler, passed on to the plane's, and the series that come of it. */
export function countDeliveries({ schedules, nowMs, emit }: CountingOptions): { emit: Emit; metrics: Metrics } {
  const metrics: MetricsRecorder = createMetrics();
  const count = (spec: ScheduleSpec | undefined, name: Counted): void =>
    metrics.record(
      { namespace: SCHEDULER_NAMESPACE, name, unit: 'Count', dimensions: { ScheduleGroup: spec?.group ?? 'default' } },
      [{ atMs: nowMs(), value: 1 }],
    );
  return {
    metrics,
    emit(event) {
      emit(event);
      if (event.type !== 'tick' && event.type !== 'tick-failed') return;
      const spec = schedules.find(({ name }) => name === event.schedule);
      count(spec, 'InvocationAttemptCount');
      if (event.type === 'tick') return;
      count(spec, 'TargetErrorCount');
      if (!event.final) return;
      count(spec, 'InvocationDroppedCount');
      if (spec?.target.deadLetterQueue) count(spec, 'InvocationsSentToDeadLetterCount');
    },
  };
}

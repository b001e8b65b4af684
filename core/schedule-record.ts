/**
 * What is known of a schedule between its slots, in the control table as `schedule#<key>`; untouched by deployments.
 *
 * Pausing works while the plane is halted, too. A slot that was due in a pause is skipped, however late its tick comes,
 * and is never made up for: whoever paused the schedule did not want it.
 */
import { limits } from './catalogue/limits.ts';
import type { ScheduleKey } from './catalogue/schedules.ts';
import { untilWritten } from './conflict.ts';
import { toMs } from './duration.ts';
import { operated, type Request } from './operations.ts';
import type { Plane } from './plane.ts';
import { redactText } from './redact.ts';

export interface Pause {
  readonly fromMs: number;
  readonly untilMs: number;
}
export interface ScheduleRecord {
  readonly paused?: { readonly by: string; readonly reason: string; readonly atMs: number };
  /** Pauses that are over, as far back as slots are reconciled. */
  readonly pauses?: readonly Pause[];
  /** The run of the slot that was begun last: the next one looks whether it still runs. */
  readonly lastRun?: string;
  /** When it took the schedule: its row comes a moment later. */
  readonly takenMs?: number;
  /** The earliest slot that ever came: before it nothing was missed. */
  readonly firstSlotMs?: number;
}
export const scheduleRecordName = (schedule: string): string => `schedule#${schedule}`;

export async function readSchedule(
  { control }: Pick<Plane, 'control'>,
  key: ScheduleKey,
): Promise<{ rev: number; value: ScheduleRecord }> {
  const record = await control.read(scheduleRecordName(key));
  return { rev: record?.rev ?? 0, value: record?.value ?? {} };
}

/** Whether the schedule is paused, or was when this slot was due. */
export const isPausedAt = ({ paused, pauses = [] }: ScheduleRecord, slotMs: number): boolean =>
  paused !== undefined || pauses.some(({ fromMs, untilMs }) => slotMs >= fromMs && slotMs < untilMs);

/** Is shown the record that the change is made from, and throws to stop it: whoever asks may have looked at another. */
export type ScheduleCheck = (record: ScheduleRecord) => void;

/**
 * Pauses a schedule: from now on its slots are skipped. Resolves with whether this call did it.
 *
 * @throws Failure CONFIGURATION_INVALID without who and why; LEDGER_CONFLICT.
 */
export const pauseSchedule = (
  plane: Plane,
  key: ScheduleKey,
  request: Request & { readonly check?: ScheduleCheck },
): Promise<boolean> =>
  changeSchedule(plane, { key, how: 'pause', request }, (value, atMs) =>
    value.paused ? undefined : { ...value, paused: { by: request.by, reason: redactText(request.reason), atMs } },
  );

/**
 * Ends the pause of a schedule: its next slot runs. Resolves with whether this call did it.
 *
 * @throws Failure CONFIGURATION_INVALID without who and why; LEDGER_CONFLICT.
 */
export const resumeSchedule = (
  plane: Plane,
  key: ScheduleKey,
  request: Request & { readonly check?: ScheduleCheck },
): Promise<boolean> =>
  changeSchedule(plane, { key, how: 'resume', request }, ({ paused, pauses = [], ...value }, untilMs) =>
    paused
      ? {
          ...value,
          pauses: [...stillOf(pauses, untilMs), { fromMs: paused.atMs, untilMs: Math.max(untilMs, paused.atMs) }],
        }
      : undefined,
  );

/** More pauses than this within the horizon are a schedule that should be removed; the oldest are forgotten. */
const pausesKept = 100;
const stillOf = (pauses: readonly Pause[], nowMs: number): readonly Pause[] =>
  pauses.filter(({ untilMs }) => untilMs > nowMs - toMs(limits.reconcileHorizon)).slice(1 - pausesKept);

function changeSchedule(
  plane: Plane,
  { key, how, request }: { key: ScheduleKey; how: 'pause' | 'resume'; request: Request & { check?: ScheduleCheck } },
  change: (value: ScheduleRecord, nowMs: number) => ScheduleRecord | undefined,
): Promise<boolean> {
  return operated(plane, { how, request, on: { schedule: key } }, () =>
    untilWritten(`the record ${scheduleRecordName(key)}`, async () => {
      const { rev, value } = await readSchedule(plane, key);
      request.check?.(value);
      const next = change(value, plane.clock.nowMs());
      if (!next) return false;
      return (await plane.control.write(scheduleRecordName(key), next, rev)) === 'written' ? true : undefined;
    }),
  );
}

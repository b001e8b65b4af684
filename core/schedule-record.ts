/** What is known of a schedule between its slots, in the control table as `schedule#<key>`. */
export interface ScheduleRecord {
  readonly paused?: { readonly by: string; readonly reason: string };
  /** The run of the slot that was begun last: the next one looks whether it still runs. */
  readonly lastRun?: string;
  /** When it took the schedule: its row comes a moment later. */
  readonly takenMs?: number;
  /** The earliest slot that ever came: before it nothing was missed. */
  readonly firstSlotMs?: number;
}
export const scheduleRecordName = (schedule: string): string => `schedule#${schedule}`;

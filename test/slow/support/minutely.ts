import { isScheduleKey, scheduleRow } from '#core/catalogue/schedules.ts';

/** Whether the schedule beats in every demo; an hourly one does or does not, as the time of day has it. */
export const isMinutely = (key: string): boolean => isScheduleKey(key) && scheduleRow(key).cadence === '1m';

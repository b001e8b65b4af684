type CalendarErrorCode = 'CALENDAR_DATE_INVALID' | 'CALENDAR_BEFORE_RULES';

/** A date the calendar cannot answer for. Trying again gives the same answer. */
export class CalendarError extends Error {
  readonly code: CalendarErrorCode;
  readonly retryable = false;

  constructor(code: CalendarErrorCode, message: string) {
    super(message);
    this.name = 'CalendarError';
    this.code = code;
  }
}

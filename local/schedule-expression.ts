// The schedule expressions of EventBridge Scheduler: `cron(...)` with its six fields, `at(...)`, `rate(...)`, in any time zone.
// Where clocks are put forward or back, AWS leaves out a time that does not exist and runs a repeated one once; croner would
// run the first late and an interval twice, so both are filtered here.
import { Cron } from 'croner';
import { PlaneError } from '#local/errors.ts';

export interface ScheduleExpression {
  /** The first instant strictly after `afterMs`, or undefined when there is none left. */
  nextAfter(afterMs: number): number | undefined;
}

interface ExpressionOptions {
  expression: string;
  timeZone: string;
  /** Where the periods of a `rate` begin. */
  anchorMs: number;
  /** Named in messages. */
  owner: string;
}

const RATE_UNITS_MS: Record<string, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const HOUR_MS = 3_600_000;
/** More repeated or missing times in a row than any zone has. */
const SKIP_LIMIT = 100;

/** Parses an expression. Throws TEMPLATE_UNSUPPORTED with the expression and what is wrong with it. */
export function parseScheduleExpression(options: ExpressionOptions): ScheduleExpression {
  const [, kind, inside = ''] = /^(cron|at|rate)\((.*)\)$/.exec(options.expression.trim()) ?? [];
  try {
    if (kind === 'cron') return parseCron(inside.trim(), options.timeZone);
    if (kind === 'at') return parseAt(inside.trim(), options.timeZone);
    if (kind === 'rate') return parseRate(inside.trim(), options.anchorMs);
  } catch (error) {
    throw refusal(options, error instanceof Error ? error.message : String(error), error);
  }
  throw refusal(options, 'it is neither cron(...), at(...) nor rate(...)');
}

function refusal({ owner, expression, timeZone }: ExpressionOptions, why: string, cause?: unknown): PlaneError {
  return new PlaneError(
    'TEMPLATE_UNSUPPORTED',
    `The schedule ${owner} has the expression ${expression} (${timeZone}), which cannot be read: ${why}. Correct it in core/catalogue.`,
    { cause },
  );
}

function parseCron(inside: string, timeZone: string): ScheduleExpression {
  const fields = inside.split(/\s+/);
  if (fields.length !== 6) throw new Error(`it has ${fields.length} fields where cron of AWS has six`);
  if ((fields[2] === '?') === (fields[4] === '?'))
    throw new Error('exactly one of day-of-month and day-of-week must be ?');
  const pattern = ['0', ...fields.map((field) => (field === '?' ? '*' : field))].join(' ');
  // Days of the week are 1 to 7 from Sunday, as in Quartz; `3/10` means from 3 in steps of 10.
  const cron = new Cron(pattern, {
    timezone: timeZone,
    mode: '7-part',
    alternativeWeekdays: true,
    sloppyRanges: true,
    paused: true,
  });
  return {
    nextAfter(afterMs) {
      let from = new Date(afterMs);
      for (let skipped = 0; skipped < SKIP_LIMIT; skipped += 1) {
        const next = cron.nextRun(from);
        if (!next) return undefined;
        if (cron.match(next) && !isRepeated(next, timeZone)) return next.getTime();
        from = next;
      }
      return undefined;
    },
  };
}

/** True when the clocks on the wall showed the same an hour before. */
function isRepeated(instant: Date, timeZone: string): boolean {
  if (timeZone === 'UTC') return false;
  const onTheWall = (date: Date): string => date.toLocaleString('en-GB', { timeZone });
  return onTheWall(instant) === onTheWall(new Date(instant.getTime() - HOUR_MS));
}

function parseAt(inside: string, timeZone: string): ScheduleExpression {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(inside))
    throw new Error('at(...) takes a local time as yyyy-mm-ddThh:mm:ss');
  const onceMs = new Cron(inside, { timezone: timeZone, paused: true }).nextRun(new Date(0))?.getTime();
  if (onceMs === undefined) throw new Error('that time does not exist');
  return { nextAfter: (afterMs) => (onceMs > afterMs ? onceMs : undefined) };
}

function parseRate(inside: string, anchorMs: number): ScheduleExpression {
  const [, value, unit = ''] = /^(\d+) (minute|hour|day)s?$/.exec(inside) ?? [];
  const periodMs = Number(value) * (RATE_UNITS_MS[unit] ?? Number.NaN);
  if (!(periodMs > 0)) throw new Error('rate(...) takes a positive number and minutes, hours or days');
  return { nextAfter: (afterMs) => anchorMs + Math.max(1, Math.floor((afterMs - anchorMs) / periodMs) + 1) * periodMs };
}

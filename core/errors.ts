import { redactText } from './secret-shapes.ts';

/** What the pipeline does with a failure: try the message again, give it up, or keep the run for after the halt. */
export type Disposition = 'retry' | 'reject' | 'hold';

/**
 * Every way in which the plane fails, and what follows. Codes are literals because minifiers rename classes and because
 * rows, dead letters and dashboards are searched by them.
 */
const dispositions = {
  MESSAGE_MALFORMED: 'reject',
  MESSAGE_VERSION_NEWER: 'retry',
  TASK_UNKNOWN: 'reject',
  SCHEDULE_UNKNOWN: 'reject',
  TICK_MISPLACED: 'reject',
  RUN_UNKNOWN: 'reject',
  HOPS_EXCEEDED: 'reject',
  PAYLOAD_INVALID: 'reject',
  SECRET_IN_PAYLOAD: 'reject',
  RESULT_INVALID: 'reject',
  INPUT_INVALID: 'reject',
  IDEMPOTENCY_CONFLICT: 'reject',
  EFFECT_UNDECLARED: 'reject',
  TRANSITION_ILLEGAL: 'reject',
  CONFIGURATION_INVALID: 'reject',
  HALT_CONFLICT: 'reject',
  ATTEMPTS_SPENT: 'reject',
  RUN_CANCELLED: 'reject',
  ENGINE_UNAVAILABLE: 'reject',
  CALLBACK_REFUSED: 'reject',
  KILL_SWITCH_HALTED: 'hold',
  KILL_SWITCH_UNKNOWN: 'retry',
  LEASE_LOST: 'retry',
  LEASE_EXPIRED: 'retry',
  HANDED_BACK: 'retry',
  CHILD_DIED: 'retry',
  LEDGER_CONFLICT: 'retry',
  DEADLINE_EXCEEDED: 'retry',
  DEPENDENCY_UNAVAILABLE: 'retry',
  INTERNAL: 'retry',
} as const satisfies Record<string, Disposition>;

export type FailureCode = keyof typeof dispositions;
export const failureCodes = Object.keys(dispositions) as FailureCode[];

/** The one error class of the plane. Its message says what, which value, and what to do; never a secret. */
export class Failure extends Error {
  readonly code: FailureCode;
  constructor(code: FailureCode, message: string, options?: { cause?: unknown }) {
    super(printable(redactText(message)), options);
    this.name = 'Failure';
    this.code = code;
  }
  get disposition(): Disposition {
    return dispositions[this.code];
  }
}

/** Codes and reasons travel as attributes of dead letters, and SQS takes only what XML 1.0 has for characters. */
const printable = (text: string): string =>
  text.replaceAll(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\u{FFFD}');

/** The one place that turns whatever was thrown into a failure: our own pass, anything else is INTERNAL and retried. */
export function toFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  const reason = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new Failure('INTERNAL', `an unexpected error ended this attempt: ${reason.slice(0, 500)}`, { cause: thrown });
}

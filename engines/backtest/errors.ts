import { Failure } from '#core/errors.ts';

// Every mistake of the caller's is rejected for good: the same data and the same settings fail the same way.

/** The data cannot be simulated over. */
export const badData = (message: string): Failure => new Failure('INPUT_INVALID', message);

/** A setting of the run, of its broker or of its strategy is wrong. */
export const badSetting = (message: string, cause?: unknown): Failure =>
  new Failure('PAYLOAD_INVALID', message, cause === undefined ? {} : { cause });

/** A strategy asked for an order that no broker would take. */
export const badOrder = (message: string): Failure => new Failure('INPUT_INVALID', message);

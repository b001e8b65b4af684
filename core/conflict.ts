import { Failure } from './errors.ts';

const mostTries = 8;

/**
 * Repeats a conditional write that lost to somebody else's: `attempt` reads afresh and resolves with undefined when it
 * lost. Losing eight times in a row is no longer bad luck.
 *
 * @throws Failure LEDGER_CONFLICT, and whatever `attempt` throws.
 */
export async function untilWritten<T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    const done = await attempt();
    if (done !== undefined) return done;
  }
  throw new Failure('LEDGER_CONFLICT', `${what} was changed by others ${mostTries} times in a row; try again`);
}

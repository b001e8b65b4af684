import type { Request as OperationRequest } from '#core/operations.ts';
import type { Ask } from './operation.ts';

/** Who asks, why, from where and with what: as it goes into the audit and onto rows. */
export const requestOf = (
  { caller: { actor }, from }: Pick<Ask, 'caller' | 'from'>,
  reason: string,
  given?: unknown,
): OperationRequest => ({
  by: actor.id,
  actor,
  from,
  reason,
  ...(given === undefined ? {} : { arguments: given }),
});

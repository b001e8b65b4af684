import { Failure } from '#core/errors.ts';
import type { Ledger } from '#core/ports.ts';
import type { Actor, Run } from '#core/run.ts';
import type { Caller } from './caller.ts';

/** The tenant of the runs that schedules start. */
export const systemTenant = 'system';

/** Whose rows somebody sees: those of the own tenant, and an operator the plane's. */
export const sees = ({ tenant, roles }: Pick<Caller, 'tenant' | 'roles'>, rowTenant: string): boolean =>
  rowTenant === tenant || (rowTenant === systemTenant && roles.includes('operator'));

const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/**
 * The run, if the caller may know of it. One of another tenant is not there: not even that it exists may be learned.
 *
 * @throws Failure RUN_UNKNOWN
 */
export async function visibleRun(
  ports: { readonly ledger: Pick<Ledger, 'read'> },
  caller: Pick<Caller, 'tenant' | 'roles'>,
  id: string,
): Promise<Run> {
  const run = uuid.test(id) ? await ports.ledger.read(id) : undefined;
  if (run && sees(caller, run.tenant)) return run;
  throw runUnknown(id);
}

export const runUnknown = (id: string): Failure =>
  new Failure('RUN_UNKNOWN', `there is no run ${JSON.stringify(id.slice(0, 64))}: GET /runs lists those there are`);

/** The person who acts, be it by a machine: two people means two of these. */
export const personOf = ({ id, onBehalfOf }: Actor): string => onBehalfOf ?? id;

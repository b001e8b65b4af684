import { startsAs as startsInRole, type Role } from '#core/catalogue/roles.ts';
import type { RouteRow } from '#core/catalogue/routes.ts';
import { taskContract, type StartableBy, type TaskName } from '#core/catalogue/tasks.ts';
import type { Caller } from '#gateway/caller.ts';
import { noToken, notAllowed } from './challenge.ts';

/**
 * Whether the caller, absent without a token, may use the route. Step-up is asked for apart.
 *
 * @throws Problem UNAUTHENTICATED, ROLE_INSUFFICIENT
 */
export function authorise(
  caller: Pick<Caller, 'roles'> | undefined,
  { method, path, roles }: Pick<RouteRow, 'method' | 'path' | 'roles'>,
): void {
  if (roles === 'anyone') return;
  if (!caller)
    throw noToken(
      `${method} ${path} needs a token: send one as a Bearer token in the header Authorization (docs/identity.md)`,
    );
  if (roles.some((role) => caller.roles.includes(role))) return;
  throw notAllowed(`${method} ${path} is for ${roles.join(', ')}: ${held(caller.roles)}`);
}

/**
 * In which of the caller's roles it starts the task.
 *
 * @throws Problem ROLE_INSUFFICIENT
 */
export function startsAs({ roles }: Pick<Caller, 'roles'>, task: TaskName): StartableBy {
  const contract = taskContract(task);
  const role = startsInRole(roles, contract);
  if (role !== undefined) return role;
  const starters = contract.startableBy.filter((by) => by !== 'schedule');
  const who = starters.length > 0 ? starters.join(', ') : 'its schedule alone';
  throw notAllowed(`${task} is started by ${who}: ${held(roles)}`);
}

const held = (roles: readonly Role[]): string => `you are ${roles.join(', ')}. Ask whoever gives out roles`;

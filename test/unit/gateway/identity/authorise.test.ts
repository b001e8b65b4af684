// Who may do what, written out by hand: a change of the catalogue must be made here a second time, by somebody who means it.
import { describe, expect, it } from 'vitest';
import { roles, type Role } from '#core/catalogue/roles.ts';
import { routeNames, routeRow, shortcutRow, shortcuts, type RouteRow } from '#core/catalogue/routes.ts';
import { taskContract, taskNames, type TaskName } from '#core/catalogue/tasks.ts';
import { authorise, startsAs } from '#gateway/identity/authorise.ts';
import { Problem } from '#gateway/problem.ts';
import { challengeOf } from './support.ts';

/** The cells of a row: nobody, viewer, researcher, operator, service. */
const columns = ['nobody', ...roles] as const;
type Column = (typeof columns)[number];

const routeTable = `
GET  /healthz                      ok  ok  ok  ok  ok
GET  /readyz                       ok  ok  ok  ok  ok
GET  /openapi.json                 ok  ok  ok  ok  ok
GET  /docs                         ok  ok  ok  ok  ok
GET  /me                           401 ok  ok  ok  ok
GET  /catalogue                    401 ok  ok  ok  ok
POST /runs                         401 403 ok  ok  ok
GET  /runs                         401 ok  ok  ok  ok
GET  /runs/{id}                    401 ok  ok  ok  ok
GET  /runs/{id}/events             401 ok  ok  ok  ok
POST /runs/{id}/cancel             401 403 ok  ok  ok
POST /runs/{id}/retry              401 403 ok  ok  ok
POST /runs/retry                   401 403 403 ok  403
POST /uploads                      401 403 ok  ok  ok
POST /tickets                      401 ok  ok  ok  ok
GET  /schedules                    401 ok  ok  ok  ok
GET  /schedules/{key}              401 ok  ok  ok  ok
POST /schedules/{key}/pause        401 403 403 ok  403
POST /schedules/{key}/resume       401 403 403 ok  403
POST /schedules/{key}/trigger      401 403 403 ok  403
GET  /queues                       401 ok  ok  ok  ok
GET  /queues/{queue}/dead-letters  401 403 403 ok  403
POST /queues/{queue}/redrive       401 403 403 ok  403
GET  /halt                         401 ok  ok  ok  ok
GET  /halt/history                 401 ok  ok  ok  ok
POST /halt                         401 403 403 ok  403
POST /halt/release                 401 403 403 ok  403
GET  /kill-switch                  401 ok  ok  ok  ok
GET  /kill-switch/history          401 ok  ok  ok  ok
POST /kill-switch                  401 403 403 ok  403
POST /kill-switch/release          401 403 403 ok  403
GET  /audit                        401 ok  403 ok  403
GET  /audit/verify                 401 ok  403 ok  403
POST /mcp                          401 ok  ok  ok  ok
GET  /.well-known/oauth-protected-resource/mcp ok ok ok ok ok
GET  /.well-known/oauth-protected-resource     ok ok ok ok ok
POST /backtests                    401 403 ok  ok  ok
POST /ingest                       401 403 ok  ok  ok
`;

const taskTable = `
killswitch.heartbeat  no no         operator no
status.sync           no no         operator no
runs.reap             no no         operator no
beat.reconcile        no no         operator no
audit.anchor          no no         operator no
callback.deliver      no no         operator service
backtest.run          no researcher operator service
ingest.pull           no researcher operator service
`;

/** Routes that want a strong authentication. */
const steppedUp = [
  'POST /runs/retry',
  'POST /schedules/{key}/pause',
  'POST /queues/{queue}/redrive',
  'POST /halt',
  'POST /halt/release',
  'POST /kill-switch',
  'POST /kill-switch/release',
];

const rowsOf = (table: string): string[][] =>
  table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
const everyRoute: readonly RouteRow[] = [...routeNames.map(routeRow), ...shortcuts.map(shortcutRow)];
const labelOf = ({ method, path }: RouteRow): string => `${method} ${path}`;

const statuses = { UNAUTHENTICATED: '401', ROLE_INSUFFICIENT: '403' } as Record<string, string>;
function outcomeOf(act: () => unknown): string {
  try {
    act();
    return 'ok';
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(Problem);
    const problem = thrown as Problem;
    expect(challengeOf(problem)).toMatch(/^Bearer realm="alphaswarm"(?:, error="insufficient_scope")?$/);
    return statuses[problem.code] ?? problem.code;
  }
}
const callerIn = (column: Column) => (column === 'nobody' ? undefined : { roles: [column] });

describe('routes by role', () => {
  const table = new Map(rowsOf(routeTable).map(([method, path, ...cells]) => [`${method} ${path}`, cells]));

  it('are all in the table, and nothing else is', () => {
    expect(new Set(table.keys())).toStrictEqual(new Set(everyRoute.map(labelOf)));
  });
  const cells = everyRoute.flatMap((row) => columns.map((column, at) => ({ row, label: labelOf(row), column, at })));
  it.each(cells)('$label for $column', ({ row, label, column, at }) => {
    expect(outcomeOf(() => authorise(callerIn(column), row))).toBe(table.get(label)?.[at]);
  });
  it('let somebody with several roles do what any of them may', () => {
    for (const row of everyRoute) {
      const [, ...held] = table.get(labelOf(row)) ?? [];
      expect(outcomeOf(() => authorise({ roles }, row))).toBe(held.includes('ok') ? 'ok' : '403');
    }
  });
  it('let nobody in who has a token and no role', () => {
    for (const row of everyRoute.filter(({ roles: who }) => who !== 'anyone')) {
      expect(outcomeOf(() => authorise({ roles: [] }, row))).toBe('403');
    }
  });
  it('that destroy want a strong authentication, and no other', () => {
    const wanting = everyRoute.filter(({ stepUp }) => stepUp !== 'never').map(labelOf);
    expect(wanting.toSorted()).toStrictEqual(steppedUp.toSorted());
  });
});

describe('tasks by role', () => {
  const written = new Map(rowsOf(taskTable).map(([task, ...cells]) => [task, cells]));
  /** A task that nobody has written down here is held against its contract alone, so that adding one needs no table. */
  const cellsOf = (task: TaskName): readonly string[] =>
    written.get(task) ?? roles.map((role) => taskContract(task).startableBy.find((by) => by === role) ?? 'no');
  const starts = (held: readonly Role[], task: TaskName): string => {
    let role = 'no';
    const outcome = outcomeOf(() => (role = startsAs({ roles: held }, task)));
    expect(outcome).toBe(role === 'no' ? '403' : 'ok');
    return role;
  };

  it('are in the table only where there is one of that name', () => {
    expect(taskNames).toEqual(expect.arrayContaining([...written.keys()]));
  });
  const cells = taskNames.flatMap((task) => roles.map((role, at) => ({ task, role, at })));
  it.each(cells)('$task by a $role', ({ task, role, at }) => {
    expect(starts([role], task)).toBe(cellsOf(task)[at]);
  });
  it('are started in one role of several that may', () => {
    for (const task of taskNames) expect(cellsOf(task)).toContain(starts(roles, task));
  });
  it('are refused naming who may', () => {
    expect(() => startsAs({ roles: ['viewer'] }, 'backtest.run')).toThrow(
      'backtest.run is started by researcher, service, operator: you are viewer',
    );
    expect(() => startsAs({ roles: ['researcher'] }, 'runs.reap')).toThrow('runs.reap is started by operator:');
  });
});

import { roles, type Role } from './roles.ts';
import { taskContract, taskNames, type TaskName } from './tasks.ts';

/** The function that answers. Halting and cancelling have one of their own, which can be given concurrency of its own. */
export type Door = 'gateway' | 'halt' | 'mcp';

export interface RouteRow {
  readonly method: 'GET' | 'POST';
  /** As OpenAPI and API Gateway write it: `/runs/{id}`. */
  readonly path: string;
  readonly door: Door;
  /** Who may call it; `anyone` needs no token. */
  readonly roles: readonly Role[] | 'anyone';
  /** Whether it wants `acr=high` no older than 300 s: never, always, or when the body asks for all there is. */
  readonly stepUp: 'never' | 'always' | 'bulk';
  readonly title: string;
}

const everybody = roles;
const starters: readonly Role[] = ['researcher', 'operator', 'service'];
const operators: readonly Role[] = ['operator'];
const auditors: readonly Role[] = ['viewer', 'operator'];

const get = { method: 'GET', door: 'gateway', stepUp: 'never' } as const;
const post = { method: 'POST', door: 'gateway', stepUp: 'never' } as const;

/** Every route of the gateway by its operation's id, but for the shortcuts, which follow from the tasks. */
export const routes = {
  healthz: { ...get, path: '/healthz', roles: 'anyone', title: 'Whether the gateway answers' },
  readyz: { ...get, path: '/readyz', roles: 'anyone', title: 'Whether all that it needs answers; names what does not' },
  openapi: { ...get, path: '/openapi.json', roles: 'anyone', title: 'This interface, as OpenAPI 3.1' },
  docs: { ...get, path: '/docs', roles: 'anyone', title: 'This interface, as a page' },
  whoAmI: { ...get, path: '/me', roles: everybody, title: 'Who the token says you are, and what you may do' },
  showCatalogue: { ...get, path: '/catalogue', roles: everybody, title: 'Tasks with their schemas, queues, schedules' },

  startRun: { ...post, path: '/runs', roles: starters, title: 'Starts a run of a task' },
  listRuns: { ...get, path: '/runs', roles: everybody, title: 'Runs of the tenant, newest first' },
  getRun: { ...get, path: '/runs/{id}', roles: everybody, title: 'One run: attempts, progress, outcome, artefacts' },
  followRun: { ...get, path: '/runs/{id}/events', roles: everybody, title: 'Progress frames after one, waited for' },
  cancelRun: { ...post, path: '/runs/{id}/cancel', door: 'halt', roles: starters, title: 'Cancels a run' },
  retryRun: { ...post, path: '/runs/{id}/retry', roles: starters, title: 'Begins a run again that had ended badly' },
  retryRuns: { ...post, path: '/runs/retry', roles: operators, stepUp: 'always', title: 'Begins many runs again' },
  openUpload: { ...post, path: '/uploads', roles: starters, title: 'A link by which a file is laid into the inbox' },
  openTicket: { ...post, path: '/tickets', roles: everybody, title: 'A ticket that opens one WebSocket' },

  listSchedules: { ...get, path: '/schedules', roles: everybody, title: 'Every schedule, and whether it is paused' },
  getSchedule: { ...get, path: '/schedules/{key}', roles: everybody, title: 'Its next ten slots and last ticks' },
  pauseSchedule: {
    ...post,
    path: '/schedules/{key}/pause',
    roles: operators,
    stepUp: 'always',
    title: 'Skips its slots from now on',
  },
  resumeSchedule: { ...post, path: '/schedules/{key}/resume', roles: operators, title: 'Ends the pause' },
  triggerSchedule: {
    ...post,
    path: '/schedules/{key}/trigger',
    roles: operators,
    title: 'Starts its task now, as a run of yours that names the schedule',
  },

  listQueues: {
    ...get,
    path: '/queues',
    roles: everybody,
    title: 'Depth, in flight, oldest age, dead letters, consumers',
  },
  listDeadLetters: { ...get, path: '/queues/{queue}/dead-letters', roles: operators, title: 'Dead letters, with why' },
  redriveQueue: {
    ...post,
    path: '/queues/{queue}/redrive',
    roles: operators,
    stepUp: 'bulk',
    title: 'Begins the runs of dead letters again, some or all',
  },

  getHalt: {
    ...get,
    path: '/halt',
    door: 'halt',
    roles: everybody,
    title: 'The kill switch: state, who, why, since when',
  },
  haltHistory: {
    ...get,
    path: '/halt/history',
    door: 'halt',
    roles: everybody,
    title: 'Halts and releases, newest first',
  },
  engageHalt: {
    ...post,
    path: '/halt',
    door: 'halt',
    roles: operators,
    stepUp: 'always',
    title: 'Halts the plane, or one queue or task',
  },
  releaseHalt: {
    ...post,
    path: '/halt/release',
    door: 'halt',
    roles: operators,
    stepUp: 'always',
    title: 'Ends a halt, or that of one queue or task',
  },
  getKillSwitch: { ...get, path: '/kill-switch', door: 'halt', roles: everybody, title: 'As GET /halt' },
  killSwitchHistory: {
    ...get,
    path: '/kill-switch/history',
    door: 'halt',
    roles: everybody,
    title: 'As GET /halt/history',
  },
  engageKillSwitch: {
    ...post,
    path: '/kill-switch',
    door: 'halt',
    roles: operators,
    stepUp: 'always',
    title: 'As POST /halt',
  },
  releaseKillSwitch: {
    ...post,
    path: '/kill-switch/release',
    door: 'halt',
    roles: operators,
    stepUp: 'always',
    title: 'As POST /halt/release',
  },

  listAudit: { ...get, path: '/audit', roles: auditors, title: 'Who did what, when, from where, with which outcome' },
  verifyAudit: { ...get, path: '/audit/verify', roles: auditors, title: 'Whether a row was altered, removed or moved' },

  mcp: {
    ...post,
    path: '/mcp',
    door: 'mcp',
    roles: everybody,
    title: 'The catalogue as tools of the Model Context Protocol',
  },
  describeResource: {
    ...get,
    path: '/.well-known/oauth-protected-resource/mcp',
    door: 'mcp',
    roles: 'anyone',
    title: 'Whose tokens /mcp takes (RFC 9728)',
  },
  describeResourceAtRoot: {
    ...get,
    path: '/.well-known/oauth-protected-resource',
    door: 'mcp',
    roles: 'anyone',
    title: 'The same, where older clients look',
  },
} as const satisfies Record<string, RouteRow>;

export type RouteName = keyof typeof routes;
export const routeNames = Object.keys(routes) as RouteName[];
export const routeRow = (name: RouteName): RouteRow => routes[name];

/** The shortcuts: `POST /backtests` takes what `POST /runs` takes as the payload of `backtest.run`. */
export interface Shortcut {
  readonly path: string;
  readonly task: TaskName;
}
export const shortcuts: readonly Shortcut[] = taskNames.flatMap((task) => {
  const { shortcut } = taskContract(task);
  return shortcut === undefined ? [] : [{ path: `/${shortcut}`, task }];
});
/** The route that a shortcut is. */
export const shortcutRow = ({ path, task }: Shortcut): RouteRow => ({
  ...routes.startRun,
  path,
  title: taskContract(task).title,
});

import { routeRow, shortcutRow, shortcuts, type Door, type RouteName } from '#core/catalogue/routes.ts';
import type { Mounted } from '#gateway/door.ts';
import type { Operation } from '#gateway/operation.ts';
import { listAudit, verifyAudit } from './audit.ts';
import { healthz, readyz, showCatalogue, whoAmI } from './about.ts';
import { cancelRun, retryRun, retryRuns } from './change-run.ts';
import { getRun } from './get-run.ts';
import { describing } from './itself.ts';
import { listRuns } from './list-runs.ts';
import { engageHalt, getHalt, haltHistory, releaseHalt } from './halt.ts';
import { followRun, openTicket } from './live.ts';
import { listDeadLetters, listQueues, redriveLetters } from './queues.ts';
import { getSchedule, listSchedules, pause, resume, trigger } from './schedules.ts';
import { openUpload } from './uploads.ts';
import { shortcutOperation, startRunOperation } from './start.ts';

/** What each row of the table of routes does. The door `mcp` speaks another protocol: gateway/mcp/app.ts has its rows. */
type Elsewhere = 'mcp' | 'describeResource' | 'describeResourceAtRoot';
const operations: Partial<Record<Exclude<RouteName, Elsewhere>, Operation>> = {
  healthz,
  readyz,
  ...describing(() => all),
  whoAmI,
  showCatalogue,
  startRun: startRunOperation,
  listRuns,
  getRun,
  followRun,
  cancelRun,
  retryRun,
  retryRuns,
  openUpload,
  openTicket,
  listSchedules,
  getSchedule,
  pauseSchedule: pause,
  resumeSchedule: resume,
  triggerSchedule: trigger,
  listQueues,
  listDeadLetters,
  redriveQueue: redriveLetters,
  getHalt,
  haltHistory,
  engageHalt,
  releaseHalt,
  getKillSwitch: getHalt,
  killSwitchHistory: haltHistory,
  engageKillSwitch: engageHalt,
  releaseKillSwitch: releaseHalt,
  listAudit,
  verifyAudit,
};

/** `ingest.pull` by its shortcut: `startIngestPull`. */
const shortcutName = (task: string): string =>
  `start${task
    .split('.')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')}`;

const all: readonly Mounted[] = [
  ...Object.entries(operations).map(([name, operation]) => ({ name, row: routeRow(name as RouteName), operation })),
  ...shortcuts.map((shortcut) => ({
    name: shortcutName(shortcut.task),
    row: shortcutRow(shortcut),
    operation: shortcutOperation(shortcut),
  })),
];
export const mountedAt = (door: Door): readonly Mounted[] => all.filter(({ row }) => row.door === door);

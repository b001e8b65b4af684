// One plane a data folder, and nothing of an old run in a new one: queues, tables and objects live in memory, so Valkey's
// files and the clock of the run before would contradict them. What stands here after a run is for reading only; the next
// start removes it. The lock holds pid and start time, because a pid alone may by now belong to a stranger.
import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PlaneError, systemCodeOf } from '#local/errors.ts';

export interface DataFolder {
  /** Holds the driven clock's offset; the bundles read it. */
  clockFile: string;
  redisDir: string;
  /** What SECRETS_FILE names: kept from run to run, since a developer has put it there. */
  secretsFile: string;
  /** Private keys of the local KMS: kept as well, or nobody could verify what an earlier run has signed. */
  keysDir: string;
  /** Logs and temporary files of tasks. */
  tasksDir: string;
  release(): void;
}

interface Owner {
  pid: number;
  startedAt: string;
}

/** Takes the folder (made when missing), emptied of an earlier plane's state. Throws DATA_FOLDER_IN_USE. */
export function takeDataFolder(dataDir: string): DataFolder {
  mkdirSync(dataDir, { recursive: true });
  const lock = lockOf(dataDir);
  while (!tryLock(lock)) removeStaleLock(lock, dataDir);
  const [redisDir, tasksDir] = [join(dataDir, 'redis'), join(dataDir, 'tasks')];
  const secretsFile = join(dataDir, 'secrets.json');
  // Made empty, so that it is nobody else's to read when it is filled.
  if (!existsSync(secretsFile)) writeFileSync(secretsFile, '{}\n', { mode: 0o600 });
  const keysDir = join(dataDir, 'keys');
  const folder = { clockFile: join(dataDir, 'clock-offset-ms'), secretsFile, keysDir, redisDir, tasksDir };
  rmSync(folder.clockFile, { force: true });
  for (const dir of [redisDir, tasksDir]) {
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir);
  }
  return { ...folder, release: () => rmSync(lock, { force: true }) };
}

/** Atomic: the file appears with its content or not at all, and never over another. */
function tryLock(lock: string): boolean {
  const mine = `${lock}.${process.pid}`;
  const owner: Owner = { pid: process.pid, startedAt: startTimeOf(process.pid) };
  writeFileSync(mine, JSON.stringify(owner));
  try {
    linkSync(mine, lock);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(mine, { force: true });
  }
}

function removeStaleLock(lock: string, dataDir: string): void {
  const pid = planeIn(dataDir);
  if (pid !== undefined) {
    throw new PlaneError(
      'DATA_FOLDER_IN_USE',
      `The data folder ${dataDir} belongs to a plane that runs as process ${pid}. Stop that one, or start this one with another data folder.`,
    );
  }
  rmSync(lock, { force: true });
}

/** The process of the plane that runs in the folder, if one does. */
export function planeIn(dataDir: string): number | undefined {
  const owner = readOwner(lockOf(dataDir));
  return owner && isRunning(owner.pid) && startTimeOf(owner.pid) === owner.startedAt ? owner.pid : undefined;
}

const lockOf = (dataDir: string): string => join(dataDir, 'plane.lock');

function readOwner(lock: string): Owner | undefined {
  try {
    const { pid, startedAt } = JSON.parse(readFileSync(lock, 'utf8')) as Partial<Owner>;
    return Number.isInteger(pid) && pid !== undefined && startedAt !== undefined ? { pid, startedAt } : undefined;
  } catch {
    // Gone since, or not ours: nobody to respect.
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCodeOf(error) === 'EPERM';
  }
}

/** When the process started, in a form that only has to be equal to itself. Empty where neither /proc nor ps can tell. */
function startTimeOf(pid: number): string {
  try {
    // Field 22, counted after the name in parentheses, which may itself hold spaces.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19] ?? '';
  } catch {
    // No /proc, as on macOS.
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

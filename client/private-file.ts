// Files that hold what lets somebody act in another's name.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { SettingsError } from './errors.ts';

const ownerOnly = 0o600;
const forOthers = 0o077;

/** The JSON in the file, or undefined when there is none. @throws SettingsError when others may read it, or it is no JSON. */
export function readPrivate(path: string): unknown {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return undefined;
  // Windows has no such bits.
  if (process.platform !== 'win32' && (stat.mode & forOthers) !== 0) {
    const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
    throw new SettingsError(
      `${path} may be read by others (mode ${mode}), and what it holds lets them act in your name: run chmod 600 on it, and log in anew if somebody else uses this machine.`,
    );
  }
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch (cause) {
    throw new SettingsError(`${path} cannot be read as JSON: correct it, or remove it.`, cause);
  }
}

/** Writes it for the owner alone; nobody ever sees half of it. */
export function writePrivate(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`, { mode: ownerOnly, flag: 'wx' });
  renameSync(temporary, path);
}

export const removePrivate = (path: string): void => rmSync(path, { force: true });

// The command line as a process, with a home of its own.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { writePrivate } from '#client/private-file.ts';
import type { ProfileSettings } from '#client/profile.ts';

const root = join(import.meta.dirname, '..', '..', '..', '..');
const program = join(root, 'bin', 'alphaswarm.ts');

export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}
/** Nothing of a developer's own is read. */
export type Variables = Readonly<Record<string, string>>;

interface Means {
  readonly stdin?: string;
  /** Hears each line of stdout as it comes. */
  readonly onLine?: (line: string) => void;
  /** Ends the process. */
  readonly signal?: AbortSignal;
}

export function alphaswarm(args: readonly string[], variables: Variables = {}, means: Means = {}): Promise<Ended> {
  const signal = means.signal ? { signal: means.signal } : {};
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...variables };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [program, ...args],
      { env, cwd: tmpdir(), ...signal },
      (error, stdout, stderr) =>
        resolve({ status: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
    );
    child.stdin?.end(means.stdin ?? '');
    if (child.stdout && means.onLine) createInterface({ input: child.stdout }).on('line', means.onLine);
  });
}

export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'alphaswarm-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A profile `prod` for the gateway, and a token for it. */
export function home(profile: ProfileSettings): Variables {
  const folder = temporary();
  writePrivate(join(folder, 'alphaswarm', 'profiles.json'), { prod: profile });
  return { XDG_CONFIG_HOME: folder, ALPHASWARM_PROFILE: 'prod', ALPHASWARM_TOKEN: 'eyJhbGciOi.J9zdWIiOi.c2lnbmF0dXJl' };
}

export const errorOf = ({ stderr }: Ended): { code: string; exit: number; message: string } =>
  (JSON.parse(stderr) as { error: { code: string; exit: number; message: string } }).error;

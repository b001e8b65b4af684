// `up` keeps the local plane running in the foreground, and tells the other commands where it is.
import { join } from 'node:path';
import { removePrivate, writePrivate } from '#client/private-file.ts';
import { startPlane, type PlaneOptions } from '#local/plane.ts';
import { root } from '../cli/globals.ts';
import { synthesise } from '../synthesise.ts';
import { profileOf } from './profile.ts';
import { liveSummary, type Watcher } from './summary.ts';

interface UpWanted {
  readonly assembly: string | undefined;
  readonly dataDir: string;
  readonly json: boolean;
  readonly ports: NonNullable<PlaneOptions['ports']>;
}

/** Resolves when it has been interrupted and all has ended. */
export async function up({ assembly, dataDir, json, ports }: UpWanted): Promise<void> {
  const interrupted = untilInterrupted();
  const assemblyDir = assembly ?? (await synthesised());
  const watcher = json ? jsonLines() : liveSummary(process.stdout);
  const plane = await startPlane({ assemblyDir, dataDir, clock: 'wall', ports, onEvent: watcher.onEvent });
  const profile = join(dataDir, 'profile.json');
  writePrivate(profile, profileOf(plane));
  watcher.onReady(plane);
  await interrupted;
  watcher.onStopping();
  removePrivate(profile);
  await plane.stop();
}

async function synthesised(): Promise<string> {
  process.stderr.write('alphaswarm: synthesising the templates and bundles ...\n');
  return synthesise(root);
}

const jsonLines = (): Watcher => ({
  onEvent: (event) => void process.stdout.write(`${JSON.stringify(event)}\n`),
  onReady: () => undefined,
  onStopping: () => undefined,
});

/** A terminal signals the whole group, and npm and setup.mjs pass it on: one Ctrl-C arrives up to three times. */
const sameKeypressMs = 1000;

/** Resolves at Ctrl-C or SIGTERM; a second one ends the process at once, its children with it. */
function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    let askedMs: number | undefined;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (askedMs !== undefined && performance.now() - askedMs > sameKeypressMs) process.exit(130);
        askedMs ??= performance.now();
        resolve();
      });
    }
  });
}

// A container as a process: it leads a group of its own, gets SIGTERM alone and SIGKILL with its group, and when it ends
// all that it has started ends with it, as in a container. What leaves the group (a `detached` child) is not found again.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Guardian } from '#local/guardian.ts';

const GUARD = new URL('container-guard.ts', import.meta.url).href;
/** How long output may still be on its way: its pipes close with the group, unless a child that left it holds them. */
const LAST_OUTPUT_MS = 3000;

interface ContainerOptions {
  command: readonly string[];
  cwd: string;
  variables: Record<string, string>;
  guardian: Guardian;
  onLine(line: string): void;
}

export interface Container {
  readonly pid: number;
  /** With the code that a container's exit would have: 128 and the signal's number for one that was killed. */
  readonly ended: Promise<number>;
  /** To the first process; SIGKILL to the group. */
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL once `timeoutMs` have passed; resolves when it has ended. */
  stop(timeoutMs: number): Promise<void>;
  /** Its other processes. */
  children(): number[];
}

/** Resolves once the process runs. Rejects when there is no such program. */
export async function startContainer(options: ContainerOptions): Promise<Container> {
  const [program = '', ...rest] = options.command;
  // The plane's own Node, which is the version that the image has.
  const [file, args] = program === 'node' ? [process.execPath, ['--import', GUARD, ...rest]] : [program, rest];
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: options.variables,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const ended = endOf(child, options.guardian);
  await once(child, 'spawn');
  const pid = child.pid ?? -1;
  options.guardian.add(pid);
  for (const stream of [child.stdout, child.stderr]) forwardLines(stream, (line) => options.onLine(line));
  const signal = (wanted: NodeJS.Signals): void => send(wanted === 'SIGKILL' ? -pid : pid, wanted);
  return {
    pid,
    ended,
    signal,
    async stop(timeoutMs) {
      const timer = setTimeout(() => signal('SIGKILL'), timeoutMs);
      signal('SIGTERM');
      await ended;
      clearTimeout(timer);
    },
    children: () => groupOf(pid).filter((one) => one !== pid),
  };
}

async function endOf(child: ChildProcess, guardian: Guardian): Promise<number> {
  const closed = once(child, 'close').catch(() => {});
  await Promise.race([once(child, 'exit'), once(child, 'error')]).catch(() => {});
  if (child.pid === undefined) return 127;
  // The end of a container's first process is the end of all of them; only then is its number free.
  send(-child.pid, 'SIGKILL');
  guardian.remove(child.pid);
  await Promise.race([closed, sleep(LAST_OUTPUT_MS)]);
  return child.exitCode ?? 128 + (child.signalCode ? constants.signals[child.signalCode] : 0);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended between the look and the signal.
  }
}

function forwardLines(stream: Readable | null, onLine: (line: string) => void): void {
  if (!stream) return;
  createInterface({ input: stream }).on('line', (line) => {
    if (line !== '') onLine(line);
  });
}

function groupOf(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,pgid='], { encoding: 'utf8' });
  return (stdout ?? '')
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([one, group]) => (group === pid && one !== undefined ? [one] : []));
}

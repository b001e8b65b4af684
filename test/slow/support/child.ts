// Runs a program of ours as a real process, and looks at what it leaves behind.
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { descendants, isAlive, listening } from '#test/local/fixtures/processes.ts';
import { root } from './copy.ts';

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
  /** Processes and ports that were seen below it while it ran. */
  readonly pids: readonly number[];
  readonly ports: readonly number[];
}

export interface Running {
  readonly process: ChildProcess;
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  readonly ended: Promise<Ended>;
}

const lookEveryMs = 150;

/** Starts `node args` with Node 24 and the project's programs first on PATH. */
export function startNode(args: readonly string[], options: SpawnOptions = {}): Running {
  const PATH = `${join(root, 'node_modules', '.bin')}:${process.env['PATH']}`;
  const env = { ...process.env, PATH, REDIS_URL: '', ...options.env };
  const startedMs = performance.now();
  const child = spawn(process.execPath, args, { ...options, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.on('data', (chunk: Buffer) => (text[name] += chunk.toString()));
  const pid = child.pid ?? -1;
  const pids = new Set<number>();
  const ports = new Set<number>();
  const look = (): void => {
    const below = descendants(pid);
    for (const one of below) pids.add(one);
    for (const { port } of listening([pid, ...below])) ports.add(port);
  };
  const timer = setInterval(look, lookEveryMs);
  const ended = once(child, 'close').then(([status, signal]: unknown[]): Ended => {
    clearInterval(timer);
    const tookMs = performance.now() - startedMs;
    const end = { status: status as Ended['status'], signal: signal as Ended['signal'], tookMs };
    return { ...end, ...text, pids: [...pids], ports: [...ports] };
  });
  return { process: child, pid, stdout: () => text.stdout, stderr: () => text.stderr, ended };
}

/** Those of the processes that still live, and those of the ports on which anybody still listens. */
export function leftovers({ pids, ports }: Pick<Ended, 'pids' | 'ports'>): { pids: number[]; ports: number[] } {
  const open = portsOpen();
  return { pids: pids.filter(isAlive), ports: ports.filter((port) => open.has(port)) };
}

function portsOpen(): Set<number> {
  const lines = ['tcp', 'tcp6'].flatMap((family) =>
    readFileSync(`/proc/net/${family}`, 'utf8').trim().split('\n').slice(1),
  );
  const fields = lines.map((line) => line.trim().split(/\s+/)).filter((line) => line[3] === '0A');
  return new Set(fields.map(([, address = '']) => Number.parseInt(address.split(':')[1] ?? '', 16)));
}

// The peer: Celery in a Python environment of its own, on the same Valkey, asked in turns with what is measured.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const folder = fileURLToPath(new URL('celery', import.meta.url));
const environment = join(dirname(dirname(dirname(folder))), '.cache', 'bench-celery');
const python = join(environment, 'bin', 'python');
const run = promisify(execFile);

export interface CeleryThroughput {
  /** From the first call to the last result. */
  readonly ms: number;
  readonly enqueueMs: number;
  readonly enqueueCpuMs: number;
  readonly workerCpuMs: number;
}
export interface Celery {
  throughput(count: number): Promise<CeleryThroughput>;
  chains(count: number): Promise<number[]>;
  stop(): Promise<void>;
}

/** Sets the peer up at its first use and starts it; where that cannot be, resolves with why. */
export async function startCelery(redisUrl: string): Promise<Celery | { readonly skipped: string }> {
  // How much of the processor it used is read there.
  if (!existsSync('/proc/self/stat')) return { skipped: 'this system has no /proc' };
  try {
    await setUp();
  } catch (error) {
    return { skipped: `Python or a package of it is missing: ${(error as Error).message.split('\n')[0]}` };
  }
  const peer = spawn(python, ['peer.py'], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], PEER_REDIS_URL: redisUrl, PYTHONDONTWRITEBYTECODE: '1' },
  });
  const ask = questions(peer);
  try {
    await ask();
  } catch (error) {
    return { skipped: (error as Error).message };
  }
  return {
    throughput: (count) => ask({ name: 'throughput', count }) as Promise<CeleryThroughput>,
    chains: (count) => ask({ name: 'chains', count }) as Promise<number[]>,
    async stop() {
      const ended = once(peer, 'exit');
      peer.stdin.end();
      await ended;
    },
  };
}

async function setUp(): Promise<void> {
  const lock = join(folder, 'requirements.lock');
  const installed = join(environment, 'requirements.lock');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === readFileSync(lock, 'utf8')) return;
  process.stderr.write('setting up Celery in .cache/bench-celery, once\n');
  await run('python3', ['-m', 'venv', '--clear', environment]);
  await run(python, ['-m', 'pip', 'install', '-q', '--require-hashes', '--only-binary', ':all:', '-r', lock]);
  // The last step: an environment without it is begun anew.
  copyFileSync(lock, installed);
}

/** One line a question, one line an answer; without a question the next line is waited for. */
function questions(peer: ChildProcess): (question?: unknown) => Promise<unknown> {
  const { stdin, stdout } = peer;
  if (!stdin || !stdout) throw new Error('the peer was started without pipes');
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  return async (question) => {
    if (question !== undefined) stdin.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error('Celery ended by itself: its words are above');
    return JSON.parse(value);
  };
}

// Valkey on a free port of 127.0.0.1 with the persistence that the original ran with. It is a real server, because the
// kill switch is only as good as its behaviour. $REDIS_URL wins, and then the state there is the user's: nothing is flushed.
import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants, createWriteStream, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PlaneError } from '#local/errors.ts';
import type { Guardian } from '#local/guardian.ts';
import { freePort, LOOPBACK, requireLoopback } from '#local/loopback.ts';

export interface Redis {
  host: string;
  port: number;
  url: string;
  /** Absent when $REDIS_URL names a server that is not ours. */
  pid?: number;
  stop(): Promise<void>;
}

interface RedisOptions {
  dataDir: string;
  port?: number | undefined;
  guardian: Guardian;
  /** `REDIS_URL` and `PATH` are read from here. */
  variables: Record<string, string | undefined>;
  /** Called when the server ends although nobody stopped it. */
  onLost(message: string): void;
}

const START_LIMIT_MS = 10_000;
const STOP_LIMIT_MS = 3_000;
const FETCHED = join(dirname(dirname(fileURLToPath(import.meta.url))), '.cache', 'valkey', 'valkey-server');

/** Starts Valkey, or takes the one that $REDIS_URL names. Throws NO_VALKEY, NOT_LOOPBACK, PORT_TAKEN, START_FAILED. */
export async function startRedis(options: RedisOptions): Promise<Redis> {
  const given = options.variables['REDIS_URL'];
  if (given) return externalRedis(given);
  const binary = findValkey(options.variables['PATH'] ?? '');
  const port = await freePort({ what: 'Valkey', port: options.port });
  const server = spawnValkey(binary, port, options.dataDir);
  if (server.pid !== undefined) options.guardian.add(server.pid);
  let stopping = false;
  const ended = new Promise<void>((resolve) => {
    server.once('exit', (code, signal) => {
      if (server.pid !== undefined) options.guardian.remove(server.pid);
      resolve();
      if (!stopping) options.onLost(`Valkey ended by itself (${signal ?? `status ${code}`})`);
    });
  });
  await untilAnswers(server, port, options.dataDir);
  return {
    host: LOOPBACK,
    port,
    url: `redis://${LOOPBACK}:${port}`,
    ...(server.pid !== undefined && { pid: server.pid }),
    async stop() {
      stopping = true;
      server.kill('SIGTERM');
      const timer = setTimeout(() => server.kill('SIGKILL'), STOP_LIMIT_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

function externalRedis(value: string): Redis {
  const url = new URL(requireLoopback(value, 'REDIS_URL'));
  // A template can only hand a host and a port to the functions, so nothing else of the URL would reach them.
  if (url.protocol !== 'redis:' || url.username || url.password || url.pathname.length > 1) {
    throw new PlaneError(
      'START_FAILED',
      `REDIS_URL (host ${url.host}) holds more than redis://HOST:PORT. Name a server without TLS, password and database number, or unset it to have Valkey started.`,
    );
  }
  const port = Number(url.port || 6379);
  return { host: url.hostname, port, url: `redis://${url.hostname}:${port}`, stop: async () => {} };
}

/** Looks on PATH, then for the binary that `npm run setup` fetched. Throws NO_VALKEY. */
export function findValkey(path: string, fetched = FETCHED): string {
  const folders = path.split(delimiter).filter((folder) => folder !== '');
  const candidates = [
    ...['valkey-server', 'redis-server'].flatMap((name) => folders.map((folder) => join(folder, name))),
    fetched,
  ];
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  throw new PlaneError(
    'NO_VALKEY',
    'No Valkey to be had: REDIS_URL is unset, neither valkey-server nor redis-server is on PATH, and `npm run setup` fetched none. Install one: `apt install redis-server` (Debian, Ubuntu) or `brew install valkey` (macOS).',
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function spawnValkey(binary: string, port: number, dir: string): ChildProcess {
  const settings = {
    port: String(port),
    bind: LOOPBACK,
    dir,
    'protected-mode': 'yes',
    'maxmemory-policy': 'noeviction',
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '300 1',
    daemonize: 'no',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const server = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: {} });
  const log = createWriteStream(logFile(dir));
  server.stdout?.pipe(log, { end: false });
  server.stderr?.pipe(log, { end: false });
  // A spawn that fails (binary of another platform) is told by untilAnswers, through the missing pid.
  server.on('error', () => {});
  return server;
}

function logFile(dir: string): string {
  return join(dir, 'valkey.log');
}

async function untilAnswers(server: ChildProcess, port: number, dir: string): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  while (Date.now() < deadline && server.pid !== undefined && server.exitCode === null) {
    if (await answersPing(port)) return;
    await sleep(10);
  }
  server.kill('SIGKILL');
  const said = server.pid === undefined ? 'it cannot be executed' : lastLines(logFile(dir));
  throw new PlaneError(
    'START_FAILED',
    `Valkey (${server.spawnfile}) did not start on 127.0.0.1:${port}: ${said}. Try another port or binary.`,
  );
}

/** Asks with the inline protocol; a server that still loads its data answers an error instead. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: LOOPBACK });
    const finish = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(500, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => finish(data.toString().startsWith('+PONG')));
  });
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trim().split('\n').slice(-2).join(' ') || 'it said nothing';
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGuardian } from '#local/guardian.ts';
import { startRedis } from '#local/redis.ts';

export interface Valkey {
  readonly host: string;
  readonly port: number;
  /** SIGSTOP: the kernel still takes connections and bytes, and nobody answers. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL, and starts again on the same port with `startAgain`. */
  kill(): Promise<void>;
  startAgain(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A Valkey of the test's own: $REDIS_URL is left alone on purpose, because the suites set the kill switch, which is one
 * key for everybody who uses that server, and stop the process.
 */
export async function startValkey(): Promise<Valkey> {
  const dataDir = mkdtempSync(join(tmpdir(), 'alphaswarm-valkey-'));
  const guardian = startGuardian();
  const start = (port?: number) =>
    startRedis({
      dataDir,
      port,
      guardian,
      variables: { PATH: process.env['PATH'] },
      onLost: () => undefined,
    });
  let server = await start();
  const { host, port } = server;
  const signal = (name: NodeJS.Signals) => {
    if (server.pid !== undefined) process.kill(server.pid, name);
  };
  return {
    host,
    port,
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async kill() {
      signal('SIGKILL');
      await server.stop();
    },
    async startAgain() {
      server = await start(port);
    },
    async stop() {
      signal('SIGCONT');
      await server.stop();
      await guardian.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

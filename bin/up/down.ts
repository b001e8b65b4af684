import { setTimeout as sleep } from 'node:timers/promises';
import { planeIn } from '#local/data-folder.ts';
import { CliError } from '../cli/exit.ts';

export interface Downed {
  readonly did: 'ended' | 'nothing';
  readonly pid?: number;
}

const patienceMs = 30_000;
const lookEveryMs = 50;

/** Ends the plane in the folder as Ctrl-C would. @throws CliError when it goes on all the same. */
export async function down(dataDir: string): Promise<Downed> {
  const pid = planeIn(dataDir);
  if (pid === undefined) return { did: 'nothing' };
  process.kill(pid, 'SIGTERM');
  const endMs = performance.now() + patienceMs;
  while (planeIn(dataDir) === pid) {
    if (performance.now() > endMs) {
      throw new CliError(
        'failed',
        'STILL_UP',
        `Process ${pid} goes on ${patienceMs / 1000} s after SIGTERM: run \`kill -9 ${pid}\`.`,
      );
    }
    await sleep(lookEveryMs);
  }
  return { did: 'ended', pid };
}

// The other program in an environment of its own, made once and kept under .cache.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const lock = fileURLToPath(new URL('requirements.lock', import.meta.url));
const folder = fileURLToPath(new URL('../../.cache/bench-backtest', import.meta.url));

/** The environment's Python, or why there is none. */
export function environment(): { python: string } | { reason: string } {
  const wanted = createHash('sha256').update(readFileSync(lock)).digest('hex');
  const python = `${folder}/bin/python`;
  const mark = `${folder}/lock.sha256`;
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return { python };
  try {
    rmSync(folder, { recursive: true, force: true });
    run('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 11))']);
    run('python3', ['-m', 'venv', folder]);
    run(python, ['-m', 'pip', 'install', '--quiet', '--require-hashes', '--only-binary', ':all:', '-r', lock]);
    writeFileSync(mark, wanted);
    return { python };
  } catch (thrown) {
    return { reason: reasonOf(thrown) };
  }
}

const run = (command: string, args: string[]): void => {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 300_000 });
};

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if ('code' in thrown && thrown.code === 'ENOENT') return 'python3 is not on PATH';
  const said = 'stderr' in thrown ? String(thrown.stderr).trim().split('\n').at(-1) : '';
  return `python3 (3.11 or newer, with venv and pip) could not make the environment: ${said || thrown.message}`;
}

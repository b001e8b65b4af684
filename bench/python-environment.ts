// Another program in an environment of its own, made once from a lock with hashes and kept under .cache.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder of its programs, or why there is none. `lock`: where its requirements.lock is; `name`: its folder below .cache. */
export function pythonEnvironment(name: string, lock: URL): { bin: string } | { reason: string } {
  const folder = fileURLToPath(new URL(`../.cache/${name}`, import.meta.url));
  const wanted = createHash('sha256').update(readFileSync(lock)).digest('hex');
  const bin = `${folder}/bin`;
  const mark = `${folder}/lock.sha256`;
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return { bin };
  try {
    rmSync(folder, { recursive: true, force: true });
    run('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 11))']);
    run('python3', ['-m', 'venv', folder]);
    const install = ['-m', 'pip', 'install', '--quiet', '--require-hashes', '--only-binary', ':all:'];
    run(`${bin}/python`, [...install, '-r', fileURLToPath(lock)]);
    writeFileSync(mark, wanted);
    return { bin };
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

// schemathesis in an environment of its own, made once and kept under .cache.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const lock = fileURLToPath(new URL('requirements.lock', import.meta.url));
const folder = fileURLToPath(new URL('../../../.cache/schemathesis', import.meta.url));

/** The program, or why there is none. */
export function schemathesis(): { program: string } | { reason: string } {
  const wanted = createHash('sha256').update(readFileSync(lock)).digest('hex');
  const found = { program: `${folder}/bin/schemathesis` };
  const mark = `${folder}/lock.sha256`;
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return found;
  try {
    rmSync(folder, { recursive: true, force: true });
    run('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 11))']);
    run('python3', ['-m', 'venv', folder]);
    const install = ['-m', 'pip', 'install', '--quiet', '--require-hashes', '--only-binary', ':all:', '-r', lock];
    run(`${folder}/bin/python`, install);
    writeFileSync(mark, wanted);
    return found;
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

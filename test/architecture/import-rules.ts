// Who may import whom, as data, and the reader that holds a tree of files against it.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';

interface Rule {
  /** Files or folders of ours that a folder may import, itself included. */
  readonly ours: readonly string[];
  /** Modules of others: those it may import, or those it may not. */
  readonly theirs: { readonly only: readonly RegExp[] } | { readonly never: readonly RegExp[] };
}

const network = [
  /^node:(?:http|http2|https|net|tls|dgram|dns|dns\/promises|inspector|cluster|child_process|worker_threads)$/,
  /^(?:http|http2|https|net|tls|dgram|dns|child_process|fs|fs\/promises)$/,
  /^(?:ioredis|undici|axios|got|node-fetch|ws|hono|middy)(?:\/|$)/,
  /^@(?:aws|smithy|middy|hono)/,
  /^aws-/,
];
const files = [/^node:fs(?:\/|$)/];
const cloud = [/^@aws-sdk\//, /^@smithy\//, /^ioredis$/];
const pure = { only: [/^zod$/] };

/** One row a folder of the root. A folder without a row may not hold source. */
export const rules: Readonly<Record<string, Rule>> = {
  core: { ours: ['core'], theirs: pure },
  engines: { ours: ['core', 'engines'], theirs: { never: [...network, ...files] } },
  tasks: { ours: ['core', 'engines', 'tasks'], theirs: pure },
  runtime: { ours: ['core', 'runtime'], theirs: { never: [/^aws-cdk-lib/, /^fauxqs$/, /^dynalite$/] } },
  memory: { ours: ['core', 'memory'], theirs: { never: [...network, ...files] } },
  gateway: {
    ours: ['core', 'gateway'],
    theirs: { only: [/^zod$/, /^hono(?:\/|$)/, /^jose$/, /^@modelcontextprotocol\/sdk\//] },
  },
  // What speaks to the gateway from outside: it knows its schemas, and nothing of its inside.
  client: { ours: ['core', 'gateway/schemas', 'client'], theirs: { never: cloud } },
  functions: { ours: ['core', 'gateway', 'runtime', 'tasks'], theirs: { never: [...cloud, /^aws-cdk-lib/] } },
  containers: { ours: ['core', 'runtime', 'tasks', 'containers'], theirs: { never: [/^aws-cdk-lib/] } },
  lib: { ours: ['core/catalogue', 'core/duration.ts', 'lib'], theirs: { never: cloud } },
  // Of engines the look of a page, and nothing that computes.
  local: {
    ours: ['core', 'runtime', 'engines/status/html.ts', 'engines/status/style.ts', 'local'],
    theirs: { never: [/^aws-cdk-lib/] },
  },
  sim: { ours: ['core', 'memory', 'engines', 'tasks', 'sim'], theirs: { never: network } },
  bin: {
    // Of runtime the break-glass way alone: it halts where no gateway can be asked.
    ours: ['core', 'engines', 'lib', 'client', 'runtime/break-glass.ts', 'local', 'localstack', 'sim', 'bin'],
    theirs: { never: [/^ioredis$/] },
  },
  localstack: { ours: ['core', 'runtime', 'local', 'localstack'], theirs: { never: [/^aws-cdk-lib/] } },
};

/** Beyond source: what tests, documents and tools hold. */
export const noSource = new Set(['test', 'docs', 'node_modules', 'bench', 'dist', 'coverage', 'cdk.out']);

export interface Import {
  readonly file: string;
  readonly line: number;
  readonly specifier: string;
}

/** Static, type, re-exporting, side-effect and dynamic imports, `import('x')` types, `require` and `new URL('./x', ...)`. */
const forms = [
  /^[ \t]*(?:import|export)\b[^'"`;]*?\bfrom\s*(['"])(?<specifier>[^'"\n]+)\1/gm,
  /^[ \t]*import\s*(['"])(?<specifier>[^'"\n]+)\1/gm,
  /\b(?:import|require|require\.resolve|import\.meta\.resolve)\(\s*(['"`])(?<specifier>[^'"`\n]+)\1/g,
];

export function importsOf(source: string, file: string): Import[] {
  return forms
    .flatMap((form) => [...source.matchAll(form)])
    .map((match) => ({
      file,
      line: source.slice(0, match.index + match[0].length).split('\n').length,
      specifier: match.groups!['specifier']!,
    }))
    .toSorted((one, other) => one.line - other.line);
}

/** Every source file of the tree, as paths with `/` from its root. */
export function sourceFiles(root: string): string[] {
  const folders = readdirSync(root).filter(
    (name) => !name.startsWith('.') && !noSource.has(name) && statSync(join(root, name)).isDirectory(),
  );
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.[cm]?[jt]sx?$/.test(name) && !name.split(sep).includes('node_modules'))
      .map((name) => join(folder, name).split(sep).join('/')),
  );
}

const folderOf = (path: string): string => path.slice(0, path.indexOf('/'));
const isWithin = (path: string, allowed: string): boolean => path === allowed || path.startsWith(`${allowed}/`);

/** Where an import of ours points, from the root of the tree; undefined when it is a module of others. */
export function targetOf({ file, specifier }: Import): string | undefined {
  if (specifier.startsWith('#')) return specifier.slice(1);
  if (!specifier.startsWith('.')) return undefined;
  return normalize(join(dirname(file), specifier))
    .split(sep)
    .join('/');
}

/** What is wrong with one import, in words, or nothing. */
export function faultOf(root: string, made: Import): string | undefined {
  const folder = folderOf(made.file);
  const rule = rules[folder];
  const at = `${made.file}:${made.line}`;
  if (!rule) return `${at}: the folder ${folder} has no row in the table of import rules`;
  const target = targetOf(made);
  if (target === undefined) return foreignFault(rule, made, at);
  if (made.specifier.startsWith('.') && !isWithin(target, folder)) {
    return `${at}: ${made.specifier} leaves ${folder} by a relative path; write #${target}`;
  }
  if (!rule.ours.some((allowed) => isWithin(target, allowed))) return `${at}: ${folder} may not import ${target}`;
  if (!existsSync(join(root, target))) return `${at}: ${target} does not exist`;
  return undefined;
}

function foreignFault(rule: Rule, { specifier }: Import, at: string): string | undefined {
  const matches = (patterns: readonly RegExp[]) => patterns.some((pattern) => pattern.test(specifier));
  const isAllowed = 'only' in rule.theirs ? matches(rule.theirs.only) : !matches(rule.theirs.never);
  return isAllowed ? undefined : `${at}: ${specifier} is not for this folder`;
}

/** Every import in the tree that breaks a rule. */
export function importFaults(root: string): string[] {
  return sourceFiles(root).flatMap((file) =>
    importsOf(readFileSync(join(root, file), 'utf8'), file).flatMap((made) => faultOf(root, made) ?? []),
  );
}

/** Files that are too long, leave work for later, or export by default. */
export function shapeFaults(root: string): string[] {
  return sourceFiles(root).flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const lines = text.split('\n').length - 1;
    return [
      ...(lines > 250 ? [`${file} has ${lines} lines, more than 250`] : []),
      ...(/\b(?:TODO|FIXME|XXX|HACK)\b/.test(text) ? [`${file} leaves work for later: do it, or open an issue`] : []),
      ...(/^export default\b|\bexport\s*\{[^}]*\bas default\b/m.test(text) ? [`${file} has a default export`] : []),
    ];
  });
}

import { isBuiltin } from 'node:module';
import type { Metafile } from 'esbuild';
import { isDoor } from '#core/catalogue/doors.ts';
import { families, isFamily, type EntryPointName } from '#core/catalogue/entry-points.ts';
import { inhabitedQueues } from '#core/catalogue/tasks.ts';
import { differences, type Law, type Plane } from '../plane.ts';
import { entryPointNames } from '../workers.ts';

const eachBundle = (check: (meta: Metafile, name: EntryPointName) => string[]) => (plane: Plane) =>
  entryPointNames.flatMap((name) => check(plane.bundles[name], name).map((one) => `${name}: ${one}`));

/** What vega takes when it is there, to draw pixels; it draws SVG without. */
const doneWithout = new Set(['canvas']);

const kib = 1024;
/**
 * Bytes parsed at a cold start, and bytes deployed: measured 983,666 and 1,119,051 for system, 1,081,808 and 1,217,193
 * for ingestion on 2026-11-30 (24 kB more than five days before: the audit's chain, redaction, callbacks). The SDK's
 * clients are a third, ioredis and zod a fifth, Parquet a tenth of ingestion.
 */
const functionBudget = { coldBytes: 1072 * kib, deployedBytes: 1280 * kib };
/** Somebody waits for a door: 1,038,894 of the gateway. What few requests need (OpenAPI, KMS, STS) is loaded with the first of them. */
const doorBudget = { coldBytes: 1024 * kib, deployedBytes: 1280 * kib };
/** Of it the SDK of the protocol is 184 kB, ajv the most of that; no other door has it. */
const mcpBudget = { coldBytes: 1216 * kib, deployedBytes: 1440 * kib };
/** Callbacks are signed by a secret, and the clients that fetch one are loaded with the first: 420 kB beside the start. */
const secretBudget = { ...functionBudget, deployedBytes: 1400 * kib };
/** An executor starts in seconds, but each run starts a process that parses it: 1,706,622 and 1,842,007, half of it vega. */
const executorBudget = { coldBytes: 1792 * kib, deployedBytes: 1920 * kib };

function budgetOf(name: EntryPointName) {
  if (isFamily(name)) return executorBudget;
  if (name === 'mcp') return mcpBudget;
  if (isDoor(name)) return doorBudget;
  return name === 'default' ? secretBudget : functionBudget;
}

/** Packages that one queue needs and the others must not pay for at their cold starts. */
const heavy: Record<string, EntryPointName[]> = {
  hyparquet: ['ingestion', ...families],
  'hyparquet-writer': ['ingestion', ...families],
  vega: families,
};

/** The entry file and what it imports statically: what Node parses before the handler can run. */
function coldFiles({ outputs }: Metafile): string[] {
  const seen = new Set(Object.keys(outputs).filter((path) => path.endsWith('/index.mjs')));
  for (const path of seen) {
    for (const { path: next, kind } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && next in outputs) seen.add(next);
    }
  }
  return [...seen];
}

const bytesOf = ({ outputs }: Metafile, paths: string[]): number =>
  paths.reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0);
const packageOf = (input: string): string | undefined => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1];
const entryOutput = ({ outputs }: Metafile) =>
  Object.entries(outputs).find(([path]) => path.endsWith('/index.mjs'))?.[1];

export const bundleLaws: Law[] = [
  {
    says: 'every bundle of a function exports the handler that its function names; one of an executor exports nothing',
    broken: eachBundle((meta, name) =>
      differences('exports', entryOutput(meta)?.exports, isFamily(name) ? [] : ['handler']),
    ),
    planted: ({ bundles }) => (entryOutput(bundles.system)!.exports = []),
  },
  {
    says: 'a cold start parses at most 1,072 KiB (a door 1,024, that of MCP 1,216), and at most 1,280 KiB are deployed (1,400 with the resolver of secrets); an executor has 1,792 and 1,920',
    broken: eachBundle((meta, name) => {
      const budget = budgetOf(name);
      const coldBytes = bytesOf(meta, coldFiles(meta));
      const deployedBytes = bytesOf(meta, Object.keys(meta.outputs));
      return [
        ...(coldBytes > budget.coldBytes
          ? [`parses ${coldBytes} bytes at a cold start: ${budget.coldBytes} are the budget`]
          : []),
        ...(deployedBytes > budget.deployedBytes
          ? [`has ${deployedBytes} bytes: ${budget.deployedBytes} are the budget`]
          : []),
      ];
    }),
    planted: ({ bundles }) => (entryOutput(bundles.ingestion)!.bytes += 200 * kib),
  },
  {
    says: 'a bundle holds the tasks of its own queue and of no other',
    broken: eachBundle((meta, name) => {
      const others = inhabitedQueues.filter((queue) => queue !== name).map((queue) => `tasks/${queue}/`);
      return Object.keys(meta.inputs).filter((input) => others.some((folder) => input.startsWith(folder)));
    }),
    planted: ({ bundles }) => (bundles.system.inputs['tasks/ingestion/ingest-pull.ts'] = { bytes: 1, imports: [] }),
  },
  {
    says: 'heavy packages are only in the bundles of the queues that need them',
    broken: eachBundle((meta, name) =>
      Object.keys(meta.inputs).filter((input) => !(heavy[packageOf(input) ?? '']?.includes(name) ?? true)),
    ),
    planted: ({ bundles }) => (bundles.system.inputs['node_modules/hyparquet/src/read.js'] = { bytes: 1, imports: [] }),
  },
  {
    says: 'everything is in the bundle but what Node itself brings, the SDK of Lambda included',
    broken: eachBundle(({ outputs }) =>
      Object.values(outputs)
        .flatMap(({ imports }) => imports)
        .filter(({ external, kind, path }) => external && kind !== 'require-call' && !isBuiltin(path))
        .filter(({ path }) => !doneWithout.has(path))
        .map(({ path }) => path),
    ),
    planted: ({ bundles }) =>
      entryOutput(bundles.system)!.imports.push({
        path: '@aws-sdk/client-s3',
        kind: 'import-statement',
        external: true,
      }),
  },
  {
    says: 'the sources in a bundle are named from the root of the project, so that its hash is the same on every machine',
    broken: eachBundle((meta) =>
      Object.keys(meta.inputs).filter((input) => input.startsWith('/') || input.startsWith('..')),
    ),
    planted: ({ bundles }) => (bundles.system.inputs['/home/somebody/core/run.ts'] = { bytes: 1, imports: [] }),
  },
];

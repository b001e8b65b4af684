import { isBuiltin } from 'node:module';
import type { Metafile } from 'esbuild';
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
 * Bytes parsed at a cold start, and bytes deployed: measured 919,841 and 1,055,226 for system, 1,057,825 and 1,193,210
 * for ingestion on 2026-11-25 (32 kB more than four days before: leases, halts and cancelling in mid-run). The SDK's
 * clients are a third, ioredis and zod a fifth, Parquet a tenth of ingestion.
 */
const functionBudget = { coldBytes: 1056 * kib, deployedBytes: 1200 * kib };
/** An executor starts in seconds, but each run starts a process that parses it: 1,706,622 and 1,842,007, half of it vega. */
const executorBudget = { coldBytes: 1792 * kib, deployedBytes: 1920 * kib };

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
    says: 'a cold start parses at most 1,056 KiB, and at most 1,200 KiB are deployed; an executor has 1,792 and 1,920',
    broken: eachBundle((meta, name) => {
      const budget = isFamily(name) ? executorBudget : functionBudget;
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

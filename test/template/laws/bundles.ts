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
 * Bytes parsed at a cold start, and bytes deployed: measured 998,070 and 1,135,069 for system, 938,552 and 1,217,178 for
 * ingestion, 819,190 and 1,209,888 for default on 2026-11-30. The SDK's clients are a third, ioredis and zod a fifth,
 * Parquet a tenth of ingestion. What few invocations need (S3 of most, KMS, STS, secrets) is loaded with the first of them.
 */
const functionBudget = { coldBytes: 1008 * kib, deployedBytes: 1232 * kib };
/** Somebody waits for a door: 894,139 and 1,256,710 of the gateway. */
const doorBudget = { coldBytes: 912 * kib, deployedBytes: 1264 * kib };
/** Of it the SDK of the protocol is 184 kB, ajv the most of that; no other door has it: 1,076,364 and 1,432,197. */
const mcpBudget = { coldBytes: 1088 * kib, deployedBytes: 1440 * kib };
/** An executor starts in seconds, but each run starts a process that parses it: 1,586,289 and 1,864,915, half of it vega. */
const executorBudget = { coldBytes: 1664 * kib, deployedBytes: 1920 * kib };

function budgetOf(name: EntryPointName) {
  if (isFamily(name)) return executorBudget;
  if (name === 'mcp') return mcpBudget;
  if (isDoor(name)) return doorBudget;
  return functionBudget;
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
    says: 'a cold start parses at most 1,008 KiB (a door 912, that of MCP 1,088, an executor 1,664), and little more is deployed',
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

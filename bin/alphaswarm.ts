// The command line of the plane. One command so far: `up` keeps the local plane running in the foreground.
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startPlane, type Plane } from '#local/plane.ts';
import { synthesise } from './synthesise.ts';
import { liveSummary, type Watcher } from './up/summary.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const usage = `Usage: npx alphaswarm up [options]

Keeps the local plane running until Ctrl-C: queues, tables, Valkey, functions, schedules, all on loopback.

  --json              one line of JSON per event; the first names every endpoint
  --assembly FOLDER   run this synthesised assembly instead of synthesising the project
  --data FOLDER       where the plane keeps its files (default .alphaswarm/up); one plane at a time
  --sqs-port N        port of SQS and S3       (default: any free one)
  --dynamodb-port N   port of DynamoDB         (default: any free one)
  --redis-port N      port of Valkey           (default: any free one)
  --aws-port N        port of the rest of AWS  (default: any free one)
  --help              this text
`;

const optionSpecs = {
  json: { type: 'boolean', default: false },
  assembly: { type: 'string' },
  data: { type: 'string' },
  'sqs-port': { type: 'string' },
  'dynamodb-port': { type: 'string' },
  'redis-port': { type: 'string' },
  'aws-port': { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

class UsageError extends Error {}

function parse() {
  try {
    return parseArgs({ options: optionSpecs, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
type Values = ReturnType<typeof parse>['values'];

function portOf(values: Values, name: 'sqs-port' | 'dynamodb-port' | 'redis-port' | 'aws-port'): number {
  const text = values[name] ?? '0';
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new UsageError(`--${name} ${text}: a port is a number from 0 (any free one) to 65535`);
}

async function up(values: Values): Promise<void> {
  const ports = {
    sqs: portOf(values, 'sqs-port'),
    dynamodb: portOf(values, 'dynamodb-port'),
    redis: portOf(values, 'redis-port'),
    aws: portOf(values, 'aws-port'),
  };
  const interrupted = untilInterrupted();
  const assemblyDir = values.assembly ?? (await synthesised());
  const dataDir = values.data ?? join(root, '.alphaswarm', 'up');
  const watcher = values.json ? jsonLines() : liveSummary(process.stdout);
  const plane = await startPlane({ assemblyDir, dataDir, clock: 'wall', ports, onEvent: watcher.onEvent });
  watcher.onReady(plane);
  await interrupted;
  await stop(plane, watcher);
}

async function synthesised(): Promise<string> {
  process.stderr.write('alphaswarm: synthesising the templates and bundles ...\n');
  return synthesise(root);
}

const jsonLines = (): Watcher => ({
  onEvent: (event) => void process.stdout.write(`${JSON.stringify(event)}\n`),
  onReady: () => undefined,
  onStopping: () => undefined,
});

async function stop(plane: Plane, watcher: Watcher): Promise<void> {
  watcher.onStopping();
  await plane.stop();
}

/** A terminal signals the whole group, and npm and setup.mjs pass it on: one Ctrl-C arrives up to three times. */
const sameKeypressMs = 1000;

/** Resolves at Ctrl-C or SIGTERM; a second one ends the process at once, its children with it. */
function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    let askedMs: number | undefined;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (askedMs !== undefined && performance.now() - askedMs > sameKeypressMs) process.exit(130);
        askedMs ??= performance.now();
        resolve();
      });
    }
  });
}

async function main(): Promise<void> {
  const { values, positionals } = parse();
  const [command, ...rest] = positionals;
  if (values.help || command === undefined) return void process.stdout.write(usage);
  if (command !== 'up' || rest.length > 0)
    throw new UsageError(`there is no command ${JSON.stringify(positionals.join(' '))}`);
  await up(values);
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`alphaswarm: ${message}\n${error instanceof UsageError ? `\n${usage}` : ''}`);
  process.exit(error instanceof UsageError ? 2 : 1);
});

// Writes docs/catalogue.md from the catalogue; with --check it only says whether the page is current.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentNames } from '#core/catalogue/entry-environment.ts';
import { entryPoints, type EntryPointName } from '#core/catalogue/entry-points.ts';
import { metricNames, metrics, type MetricRow } from '#core/catalogue/metrics.ts';
import { queueNames, queueRow, type QueueRow } from '#core/catalogue/queues.ts';
import { redisChannels, redisKeys, type RedisKeyRow } from '#core/catalogue/redis-keys.ts';
import { scheduleKeys, scheduleRow } from '#core/catalogue/schedules.ts';
import { taskContract, taskNames } from '#core/catalogue/tasks.ts';
import { limits } from '#core/catalogue/limits.ts';

const page = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs', 'catalogue.md');

/** A Markdown table; bars in cells are escaped. */
const table = (heading: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heading, heading.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');

const seconds = (count: number): string => {
  if (count >= 86_400 && count % 86_400 === 0) return `${count / 86_400} d`;
  if (count >= 3600 && count % 3600 === 0) return `${count / 3600} h`;
  return count >= 60 && count % 60 === 0 ? `${count / 60} min` : `${count} s`;
};

function queueCells(name: string, row: QueueRow): string[] {
  const { compute, lease } = row;
  const size =
    compute.kind === 'lambda'
      ? `${compute.memoryMb} MB`
      : `${compute.vcpu} vCPU, ${compute.memoryGib} GiB${compute.gpu ? `, ${compute.gpu} GPU` : ''}`;
  return [
    `\`${name}\``,
    row.tier,
    row.drives,
    `${row.kind}, group ${row.group}${row.deliveryDelay > 0 ? `, delivered after ${seconds(row.deliveryDelay)}` : ''}`,
    seconds(row.timeout),
    lease.kind === 'renewed' ? `${seconds(lease.length)}, renewed each ${seconds(lease.renewEvery)}` : 'the invocation',
    String(row.maximumAttempts),
    `${row.batch.size}`,
    `${row.concurrency.minimum} to ${row.concurrency.maximum}`,
    String(row.slots),
    `${row.warmMinimum.dev} / ${row.warmMinimum.prod}`,
    `${size}, ${row.capacity.join(', ')}`,
    row.egress,
    seconds(row.ageObjective),
  ];
}

const queuesTable = (): string =>
  table(
    [
      'queue',
      'tier',
      'drives',
      'kind',
      'timeout',
      'lease',
      'attempts',
      'batch',
      'concurrency',
      'slots',
      'warm dev / prod',
      'size',
      'egress',
      'oldest message',
    ],
    queueNames.map((name) => queueCells(name, queueRow(name))),
  );

function tasksTable(): string {
  const list = (words: readonly string[]) => words.map((word) => `\`${word}\``).join(', ') || 'none';
  return table(
    [
      'task',
      'queue',
      'what it does',
      'effect',
      'in a halt',
      'effects open in a halt',
      'ports',
      'started by',
      'attempts',
      'waits',
      'cost class',
    ],
    taskNames.map((name) => {
      const task = taskContract(name);
      const attempts = task.retry.maximumAttempts ?? queueRow(task.queue).maximumAttempts;
      const waits = `${seconds(task.retry.firstWait)} to ${seconds(task.retry.longestWait)}`;
      return [
        `\`${name}\``,
        `\`${task.queue}\``,
        task.title,
        task.effect,
        task.whenHalted,
        list(task.mutatesWhileHalted),
        list(task.uses),
        list(task.startableBy),
        String(attempts),
        waits,
        task.costClass,
      ];
    }),
  );
}

const schedulesTable = (): string =>
  table(
    ['schedule', 'task', 'cron (UTC)', 'group', 'overlap', 'catch-up', 'stale after', 'retries', 'event age'],
    scheduleKeys.map((key) => {
      const row = scheduleRow(key);
      return [
        `\`${key}\``,
        `\`${row.task}\``,
        `\`${row.cron}\``,
        row.cadence,
        row.overlap,
        row.catchUp,
        seconds(row.staleAfter),
        String(row.maximumRetries),
        seconds(row.maximumEventAge),
      ];
    }),
  );

const entryPointsTable = (): string =>
  table(
    ['entry point', 'kind', 'file', 'consumes', 'writes to', 'environment variables', 'SDK calls'],
    (Object.keys(entryPoints) as EntryPointName[]).map((name) => {
      const row = entryPoints[name];
      const words = (list: readonly string[]) => list.map((word) => `\`${word}\``).join(' ');
      return [
        `\`${name}\``,
        row.kind,
        `\`${row.file}\``,
        row.consumes === undefined ? 'an API' : `\`${row.consumes}\``,
        words(row.writesTo),
        words(environmentNames(name)),
        words(row.calls),
      ];
    }),
  );

const metricsTable = (): string =>
  table(
    ['metric', 'namespace', 'unit', 'by', 'meaning'],
    metricNames.map((name) => {
      const row: MetricRow = metrics[name];
      return [`\`${name}\``, `\`${row.namespace}\``, row.unit, row.dimension, row.meaning];
    }),
  );

const redisTable = (): string =>
  table(
    ['key or channel', 'group', 'TTL', 'purpose'],
    [
      ...Object.values<RedisKeyRow>(redisKeys).map((row) => [
        `\`${row.pattern}\``,
        row.group,
        row.ttl === 'none' ? 'none' : seconds(row.ttl),
        row.purpose,
      ]),
      ...Object.entries(redisChannels).map(([name, channel]) => [`\`${channel}\``, 'channel', '-', `PUBLISH: ${name}`]),
    ],
  );

const limitsTable = (): string =>
  table(
    ['limit', 'value'],
    Object.entries(limits).map(([name, value]) => [`\`${name}\``, JSON.stringify(value)]),
  );

const text = [
  '# The catalogue',
  'Generated by `npm run docs` from `core/catalogue/`; do not edit. Every fact about a queue, task or schedule stands there, once.',
  '## Queues',
  queuesTable(),
  '## Tasks',
  tasksTable(),
  '## Schedules',
  schedulesTable(),
  '## Entry points',
  entryPointsTable(),
  '## Metrics',
  metricsTable(),
  '## Redis',
  redisTable(),
  '## Limits',
  'Durations in seconds, sizes in bytes; the reason for each stands beside it in `core/catalogue/limits.ts`.',
  limitsTable(),
].join('\n\n');

if (!process.argv.includes('--check')) writeFileSync(page, `${text}\n`);
else if (readFileSync(page, 'utf8') !== `${text}\n`) {
  process.stderr.write('docs/catalogue.md is not what the catalogue says: run `npm run docs` and commit it.\n');
  process.exit(1);
}

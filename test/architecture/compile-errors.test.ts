import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// Mistakes about the catalogue that must not compile. Each is tried with the compiler itself, beside a twin without the
// mistake, so that a test can fail in both ways: the error is gone, or something else is wrong with the file. All are
// compiled in one go, since most of a run is reading the same declarations.
const root = join(import.meta.dirname, '..', '..');
let folder = '';
/** What the compiler said, line by line: `planted/right-0.ts(3,1): error TS2322: ...`. */
let said = '';

beforeAll(() => {
  // Inside the project, or #core would not be resolved.
  mkdirSync(join(root, '.alphaswarm'), { recursive: true });
  folder = mkdtempSync(join(root, '.alphaswarm', 'types-'));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../tsconfig.json', include: ['*.ts'] }));
  for (const [index, [, right, wrong]] of mistakes.entries()) {
    writeFileSync(join(folder, `right-${index}.ts`), right);
    writeFileSync(join(folder, `wrong-${index}.ts`), wrong);
  }
  const tsc = spawnSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', folder], {
    encoding: 'utf8',
    cwd: folder,
  });
  said = tsc.stdout + tsc.stderr;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Errors in one planted file, with the lines that explain them. */
const errorsIn = (file: string): string =>
  said
    .split(/^(?=\S)/m)
    .filter((error) => error.includes(`${file}(`))
    .join('');

const scheduleRule = `{ cadence: '1m', cron: 'cron(* * * * ? *)', overlap: 'skip', catchUp: 'none', staleAfter: minutes(5), maximumRetries: 3, maximumEventAge: minutes(4) }`;
const scheduleHead = `import { minutes } from '#core/duration.ts';
import type { ScheduleRow } from '#core/catalogue/schedules.ts';
export const rows = `;
const contractHead = `import * as z from 'zod';
import { minutes } from '#core/duration.ts';
import type { TaskContract } from '#core/catalogue/tasks.ts';
export const contract = `;
const contract = (queue: string) => `{
  queue: '${queue}', title: 'x', payload: z.strictObject({}), result: z.strictObject({}), effect: 'reads', whenHalted: 'hold',
  mutatesWhileHalted: [], uses: [], startableBy: ['operator'], interrupt: 'kill', costClass: 'small',
  retry: { firstWait: minutes(1), longestWait: minutes(5), nonRetryable: [] },
} as const satisfies TaskContract;`;
const environment = (leaveOut: string) => `import type { EnvironmentOf } from '#core/catalogue/entry-environment.ts';
type Urls = \`\${'QUEUE' | 'DLQ'}_URL_\${'INGESTION' | 'BACKTEST' | 'DEFAULT' | 'KICK' | 'PROGRESS'}\`;
type Row = Record<'STAGE' | 'CELL' | 'LEDGER_TABLE' | 'LEDGER_SHARDS' | 'CONTROL_TABLE' | 'AUDIT_TABLE' | 'BUCKET' | 'EVENT_BUS' | 'STATE_REDIS' | 'CACHE_REDIS' | 'REDIS_NAME' | 'REDIS_USER' | 'LOG_LEVEL' | Urls, string>;
export const supply = (row: Omit<Row, '${leaveOut}'>): EnvironmentOf<'ingestion'> => row;`;
const bodies = (line: string) => `import type { TaskBodies } from '#core/task.ts';
const body = async () => { throw new Error('never run'); };
export const system: TaskBodies<'system'> = { 'killswitch.heartbeat': body, ${line} 'audit.anchor': body, 'runs.reap': body, 'beat.reconcile': body };`;

const mistakes: [name: string, right: string, wrong: string, complaint: RegExp][] = [
  [
    'an unknown queue',
    contractHead + contract('ingestion'),
    contractHead + contract('ingest'),
    /"ingest"' is not assignable/,
  ],
  [
    'a payload of the wrong shape',
    `import type { PayloadInputOf } from '#core/catalogue/tasks.ts';
export const payload: PayloadInputOf<'ingest.pull'> = { connector: 'csv', dataset: 'x', source: { key: 'x.csv' } };`,
    `import type { PayloadInputOf } from '#core/catalogue/tasks.ts';
export const payload: PayloadInputOf<'ingest.pull'> = { connector: 'csv', dataset: 'x', source: { keys: 'x.csv' } };`,
    /'keys' does not exist in type/,
  ],
  [
    "a schedule whose payload is not its task's",
    `${scheduleHead}{ x: { ...${scheduleRule}, task: 'runs.reap', payload: {} } } as const satisfies Record<string, ScheduleRow>;`,
    `${scheduleHead}{ x: { ...${scheduleRule}, task: 'ingest.pull', payload: {} } } as const satisfies Record<string, ScheduleRow>;`,
    /TS2322|TS1360/,
  ],
  [
    'a schedule of an unknown task',
    `${scheduleHead}{ x: { ...${scheduleRule}, task: 'status.sync', payload: {} } } as const satisfies Record<string, ScheduleRow>;`,
    `${scheduleHead}{ x: { ...${scheduleRule}, task: 'status.snyc', payload: {} } } as const satisfies Record<string, ScheduleRow>;`,
    /status\.snyc/,
  ],
  ['a missing environment variable', environment('none'), environment('BUCKET'), /'BUCKET' is missing/],
  ['a contract without an implementation', bodies(`'status.sync': body,`), bodies(''), /'status\.sync'|"status\.sync"/],
];

describe('what the compiler refuses', () => {
  it.each(mistakes.map(([name, , , complaint], index) => ({ name, complaint, index })))(
    '$name',
    ({ complaint, index }) => {
      expect(errorsIn(`right-${index}.ts`)).toBe('');
      expect(errorsIn(`wrong-${index}.ts`)).toMatch(complaint);
    },
  );

  it('is said of the planted files only: whatever else is wrong would hide behind them', () => {
    expect(said.split('\n').filter((line) => /error TS/.test(line) && !/wrong-\d+\.ts\(/.test(line))).toEqual([]);
  });
});

// The main job, told as a story: schedules tick for fifteen minutes, a file is ingested; backtest.ts and halt.ts go on.
// Every claim that the demo prints is checked here against the ledger or the bytes; a claim that fails ends the demo.
import { parquetMetadataAsync } from 'hyparquet';
import { GatewayError } from '#client/errors.ts';
import type { Plane } from '#local/plane.ts';
import { parseScheduleExpression } from '#local/schedule-expression.ts';
import type { CsvFile } from './csv-file.ts';
import { check, liveUntil, minuteMs, stop, untilQuiet } from './checks.ts';
import type { Operator, Run, ScheduledRun } from './operator.ts';
import type { Progress } from './progress.ts';

const drivenMinutes = 15;

export interface Stage {
  readonly plane: Plane;
  readonly operator: Operator;
  readonly progress: Progress;
}

/** Drives the clock; one slot is delivered three times in all, and one comes late, behind newer ones. */
export async function driveSchedules(
  { plane, progress }: Stage,
  startMs: number,
): Promise<{ repeatedMs: number; lateMs: number; schedule: string }> {
  const [schedule] = plane.scheduler.schedules();
  check(schedule !== undefined, 'the plane has a schedule');
  const repeatedMs = startMs + 4 * minuteMs;
  const lateMs = startMs - minuteMs;
  return progress.step(
    `fifteen minutes of schedules on a driven clock, one slot delivered three times, one out of order`,
    async (note) => {
      for (let minute = 1; minute <= drivenMinutes; minute += 1) {
        await liveUntil(plane, startMs + minute * minuteMs);
        if (minute === 2) await plane.scheduler.deliver(schedule.name, lateMs);
        if (minute === 4) await Promise.all([1, 2].map(() => plane.scheduler.deliver(schedule.name, repeatedMs)));
        await untilQuiet(plane);
        if (minute % 5 === 0) note(`${minute} minutes driven`);
      }
      return { repeatedMs, lateMs, schedule: schedule.name };
    },
    () => `${drivenMinutes} minutes driven; every tick has been handled`,
  );
}

/** Slots of all schedules in the minutes that were driven. */
export function slotsDriven(plane: Plane, startMs: number): number {
  const endMs = startMs + drivenMinutes * minuteMs;
  let count = 0;
  for (const { name: owner, expression, timeZone } of plane.scheduler.schedules()) {
    const slots = parseScheduleExpression({ expression, timeZone, anchorMs: startMs, owner });
    let slotMs = slots.nextAfter(startMs);
    for (; slotMs !== undefined && slotMs <= endMs; slotMs = slots.nextAfter(slotMs)) count += 1;
  }
  return count;
}

/** Each slot of each schedule is one run that went well, however often and in whatever order its ticks came. */
export function checkSlots(
  runs: readonly ScheduledRun[],
  expected: { slots: number; lateMs: number; startMs: number },
): void {
  const slots = Map.groupBy(runs, (run) => `${run.schedule} ${run.slot}`);
  check(
    [...slots.values()].every((same) => same.length === 1),
    'each slot is one run',
  );
  const odd = runs.find((run) => run.state !== 'succeeded');
  check(
    !odd,
    `each scheduled run went well (${odd?.id} is ${odd?.state}: ${odd?.outcome?.code} ${odd?.outcome?.message})`,
  );
  check(
    runs.length === expected.slots + 1,
    `${drivenMinutes} minutes have ${expected.slots} slots, and one came late: ${expected.slots + 1} runs, found ${runs.length}`,
  );
  const late = runs.find(({ slot = '' }) => Date.parse(slot) === expected.lateMs);
  check(Date.parse(late?.startedAt ?? '') > expected.startMs + minuteMs, 'the late slot was run after newer ones');
}

export interface Ingested {
  readonly run: string;
  readonly result: Record<string, number | string>;
  readonly manifest: {
    readonly bronze: { readonly rows: number; readonly keys: readonly string[] };
    readonly quality: Quality;
    readonly artefacts: readonly { name: string; key: string; rows: number; bytes: number; sha256: string }[];
  };
  readonly files: ReadonlyMap<string, Uint8Array>;
}
export interface Quality {
  readonly first: string | null;
  readonly last: string | null;
  readonly interval: unknown;
  readonly order: string;
  readonly calendar: unknown;
  readonly gaps: { readonly missing: number; readonly listed: readonly { from: string; to: string }[] };
  readonly flags: Readonly<Record<string, number>>;
  readonly quarantine: Readonly<Record<string, number>>;
  readonly warnings: readonly string[];
}

export const requestOf = (file: CsvFile) =>
  ({
    task: 'ingest.pull',
    payload: { connector: 'csv', dataset: file.dataset, source: { key: `${file.dataset}.csv` } },
  }) as const;

/** Uploads the file, asks for its ingestion, waits, and reads the Parquet that came of it. */
export function ingest({ operator, progress }: Stage, file: CsvFile): Promise<Ingested> {
  return progress.step(
    `a request: ingest.pull on ${file.path}`,
    async () => {
      await operator.upload(`${file.dataset}.csv`, file.bytes, 'text/csv').catch(notTaken);
      const asked = await operator.request(requestOf(file));
      const run = await operator.until(asked.id, ['succeeded', 'failed', 'dead'], 90_000);
      if (run.state !== 'succeeded')
        throw stop(`the file could not be ingested. ${run.outcome?.message ?? run.outcome?.code}`);
      return fetchArtefacts(operator, run);
    },
    ({ result }) =>
      `${result['rowsIn']} rows in, ${result['rowsSilver']} to silver, ${result['rowsQuarantined']} quarantined`,
  );
}

/** What the gateway refuses is the file's to mend. */
function notTaken(thrown: unknown): never {
  if (thrown instanceof GatewayError) throw stop(`the file could not be ingested. ${thrown.message}`);
  throw thrown;
}

async function fetchArtefacts(operator: Operator, run: Run): Promise<Ingested> {
  const result = run.result as Ingested['result'];
  const manifestBytes = await operator.artefact(run, String(result['manifestKey']));
  const manifest = JSON.parse(new TextDecoder().decode(manifestBytes)) as Ingested['manifest'];
  const files = new Map([['manifest.json', manifestBytes]]);
  for (const { name, key, rows, sha256 } of manifest.artefacts) {
    const bytes = await operator.artefact(run, key);
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))).toString('hex');
    check(digest === sha256, `${key} has the sha256 of its manifest`);
    check((await rowsOf(bytes)) === rows, `${key} holds the ${rows} rows of its manifest`);
    files.set(`${name}.parquet`, bytes);
  }
  for (const [part, key] of manifest.bronze.keys.entries()) {
    files.set(`bronze-${String(part).padStart(5, '0')}.parquet`, await operator.artefact(run, key));
  }
  const [rowsIn, ...accounted] = ['rowsIn', 'rowsSilver', 'rowsQuarantined', 'duplicates'].map((field) =>
    Number(result[field]),
  );
  check(
    rowsIn === accounted.reduce((sum, rows) => sum + rows, 0),
    'rows in are rows in silver, in quarantine, and duplicates',
  );
  return { run: run.id, result, manifest, files };
}

/** Counted from the Parquet itself, by a reader that had no part in writing it. */
async function rowsOf(bytes: Uint8Array): Promise<number> {
  const copy = new Uint8Array(bytes);
  const metadata = await parquetMetadataAsync({
    byteLength: copy.length,
    slice: (start, end) => copy.slice(start, end).buffer,
  });
  return Number(metadata.num_rows);
}

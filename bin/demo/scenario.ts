// The main job, told as a story: schedules tick for fifteen minutes, a file is ingested, the plane is halted and released.
// Every claim that the demo prints is checked here against the ledger or the bytes; a claim that fails ends the demo.
import { parquetMetadataAsync } from 'hyparquet';
import type { Operator } from '#local/operator.ts';
import type { Plane } from '#local/plane.ts';
import type { CsvFile } from './csv-file.ts';
import type { Progress } from './progress.ts';

class CheckError extends Error {}

/** Throws CheckError when what the demo is about to say is not so. */
function check(holds: boolean, claim: string): asserts holds {
  if (!holds) throw new CheckError(`a check failed: ${claim}`);
}

const minuteMs = 60_000;
const drivenMinutes = 15;
const haltedMinutes = 2;

/**
 * Drives the clock to an instant and waits for all that is due by then, what is to be tried again included: on a busy
 * machine a reading of the switch may take longer than its 250 ms, and its tick comes back 5 s later.
 */
async function liveUntil(plane: Plane, instantMs: number): Promise<void> {
  await plane.clock.advanceTo(instantMs);
  await untilQuiet(plane);
}
const patienceMs = 60_000;

/** Throws CheckError when messages still come back after a minute: something that they need is gone for good. */
async function untilQuiet(plane: Plane): Promise<void> {
  const patience = AbortSignal.timeout(patienceMs);
  await plane.idle(patience).catch((error: unknown) => {
    check(
      !patience.aborted,
      `the plane came to rest within ${patienceMs / 1000} s (messages still come back: Valkey or a function may have ended; run it again)`,
    );
    throw error;
  });
}

export interface Stage {
  readonly plane: Plane;
  readonly operator: Operator;
  readonly progress: Progress;
}
type ScheduledRun = Awaited<ReturnType<Operator['scheduledRuns']>>[number];

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

/** Each slot of each schedule is one run that went well, however often and in whatever order its ticks came. */
export function checkSlots(
  runs: readonly ScheduledRun[],
  expected: { schedules: number; lateMs: number; startMs: number },
): void {
  const slots = Map.groupBy(runs, (run) => `${run.schedule} ${run.slotMs}`);
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
    runs.length === drivenMinutes * expected.schedules + 1,
    `${drivenMinutes} slots of ${expected.schedules} schedules and the late one are ${drivenMinutes * expected.schedules + 1} runs, found ${runs.length}`,
  );
  const late = runs.find((run) => run.slotMs === expected.lateMs);
  check((late?.claimedMs ?? 0) > expected.startMs + minuteMs, 'the late slot was run after newer ones');
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

const requestOf = (file: CsvFile) =>
  ({
    task: 'ingest.pull',
    payload: { connector: 'csv', dataset: file.dataset, source: { key: `${file.dataset}.csv` } },
  }) as const;

/** Uploads the file, asks for its ingestion, waits, and reads the Parquet that came of it. */
export function ingest({ operator, progress }: Stage, file: CsvFile): Promise<Ingested> {
  return progress.step(
    `a request: ingest.pull on ${file.path}`,
    async () => {
      await operator.upload(`${file.dataset}.csv`, file.bytes, 'text/csv');
      const asked = await operator.request(requestOf(file));
      const run = await operator.until(asked.id, ['succeeded', 'failed', 'dead'], 90_000);
      if (run.state !== 'succeeded')
        throw new CheckError(`the file could not be ingested. ${run.outcome?.message ?? run.outcome?.code}`);
      return fetchArtefacts(operator, run.id, (await operator.resultOf(run)) as Ingested['result']);
    },
    ({ result }) =>
      `${result['rowsIn']} rows in, ${result['rowsSilver']} to silver, ${result['rowsQuarantined']} quarantined`,
  );
}

async function fetchArtefacts(operator: Operator, run: string, result: Ingested['result']): Promise<Ingested> {
  const manifestBytes = await operator.download(String(result['manifestKey']));
  const manifest = JSON.parse(new TextDecoder().decode(manifestBytes)) as Ingested['manifest'];
  const files = new Map([['manifest.json', manifestBytes]]);
  for (const { name, key, rows, sha256 } of manifest.artefacts) {
    const bytes = await operator.download(key);
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))).toString('hex');
    check(digest === sha256, `${key} has the sha256 of its manifest`);
    check((await rowsOf(bytes)) === rows, `${key} holds the ${rows} rows of its manifest`);
    files.set(`${name}.parquet`, bytes);
  }
  for (const [part, key] of manifest.bronze.keys.entries()) {
    files.set(`bronze-${String(part).padStart(5, '0')}.parquet`, await operator.download(key));
  }
  const [rowsIn, ...accounted] = ['rowsIn', 'rowsSilver', 'rowsQuarantined', 'duplicates'].map((field) =>
    Number(result[field]),
  );
  check(
    rowsIn === accounted.reduce((sum, rows) => sum + rows, 0),
    'rows in are rows in silver, in quarantine, and duplicates',
  );
  return { run, result, manifest, files };
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

export interface Halted {
  readonly epoch: number;
  readonly acknowledgedAfterMs: number;
  readonly heldRun: string;
  readonly heldState: string;
  readonly skipped: readonly string[];
  readonly finalState: string;
}

/** Halts the plane, asks for a second run, lets two minutes of slots come, releases, and sees the run done. */
export async function haltAndRelease({ plane, operator, progress }: Stage, file: CsvFile): Promise<Halted> {
  const fromMs = plane.clock.now();
  const startedMs = performance.now();
  const { epoch } = await progress.step(
    'the kill switch is engaged',
    () => operator.halt('demo: everything stops'),
    ({ key }) => `halted; the key is ${key}, and every permit given before is void`,
  );
  const acknowledgedAfterMs = Math.round(performance.now() - startedMs);
  const held = await progress.step(
    'a second request, and two minutes of slots, while halted',
    () => waitInHalt({ plane, operator }, file),
    (run) => `the request is ${run.state}; nothing was begun`,
  );
  const skipped = (await operator.scheduledRuns(fromMs, plane.clock.now()))
    .filter((run) => run.outcome?.code === 'halted')
    .map((run) => run.id);
  check(skipped.length > 0, 'slots of tasks that stand still in a halt were skipped');
  const done = await progress.step(
    'released; the held request goes on',
    () => releaseAndFinish({ plane, operator }, held.id),
    (run) => `the request ${run.state} at attempt ${run.attempt}`,
  );
  check(done.state === 'succeeded' && done.attempt === 1, 'the held request was done once, at its first attempt');
  return { epoch, acknowledgedAfterMs, heldRun: held.id, heldState: held.state, skipped, finalState: done.state };
}

async function waitInHalt({ plane, operator }: Pick<Stage, 'plane' | 'operator'>, file: CsvFile) {
  const { id } = await operator.request(requestOf(file));
  await liveUntil(plane, nextMinute(plane.clock.now()) + (haltedMinutes - 1) * minuteMs);
  const run = await operator.run(id);
  check(
    run?.state === 'held' && run.starts === 0,
    `the second request is held and was never begun (it is ${run?.state})`,
  );
  return run;
}

async function releaseAndFinish({ plane, operator }: Pick<Stage, 'plane' | 'operator'>, id: string) {
  const released = await operator.release('demo: on we go');
  check(released.state === 'clear', `the switch is clear after the release (it is ${released.state})`);
  await liveUntil(plane, nextMinute(plane.clock.now()));
  const run = await operator.until(id, ['succeeded', 'failed', 'dead'], 60_000);
  return run;
}

const nextMinute = (nowMs: number): number => Math.floor(nowMs / minuteMs) * minuteMs + minuteMs;

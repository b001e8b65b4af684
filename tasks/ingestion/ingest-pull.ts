import * as z from 'zod';
import { Failure } from '#core/errors.ts';
import type { RunArtefacts } from '#core/ports.ts';
import type { TaskBody } from '#core/task.ts';
import { bronzeTable, readBronze } from '#engines/ingest/bronze.ts';
import { sha256Hex } from '#engines/digest.ts';
import type { QualityReport } from '#engines/ingest/report.ts';
import { csvConnector } from '#engines/ingest/csv-connector.ts';
import { IngestError } from '#engines/ingest/errors.ts';
import { readHeader } from '#engines/ingest/header.ts';
import { writeParquet } from '#engines/ingest/parquet.ts';
import { cursorSchema, DEFAULT_ROWS_PER_PART, type BronzePart, type IngestCursor } from '#engines/ingest/read.ts';
import { toSilver } from '#engines/ingest/silver.ts';
import type { ByteSource } from '#engines/ingest/source.ts';
import { quarantineTable, reportTable, silverTable } from '#engines/ingest/tables.ts';
import { writeManifest, type Artefact } from './manifest.ts';

/**
 * Where the next leg goes on: the reader's own cursor, and under which fence each leg wrote its bronze parts (the first
 * part of each leg), because a leg writes under the fence of its claim.
 */
const legsSchema = z.object({ reader: cursorSchema, legs: z.array(z.object({ fence: z.int(), from: z.int() })) });
type Legs = z.infer<typeof legsSchema>;

/** Pulls an OHLCV file: bronze as it stands, part by part; then silver, quarantine and the quality report; then the manifest. */
export const pull: TaskBody<'ingest.pull'> = async (payload, context) => {
  try {
    const source = await openInbox(context.ports.artefacts, payload.source.key);
    const legs = await pullBronze(source, payload.dataset, context);
    const made = await makeSilver({ source, legs, payload, context });
    return { ...made, ...(await startNext(payload, context.ports.runs)) };
  } catch (thrown) {
    if (thrown instanceof IngestError) throw new Failure('INPUT_INVALID', thrown.message, { cause: thrown });
    throw thrown;
  }
};

type Context = Parameters<TaskBody<'ingest.pull'>>[1];
type Payload = Parameters<TaskBody<'ingest.pull'>>[0];

async function openInbox(artefacts: RunArtefacts, key: string): Promise<ByteSource> {
  const stat = await artefacts.statInbox(key);
  if (!stat)
    throw new Failure(
      'INPUT_INVALID',
      `there is no file ${key} in the tenant's inbox: upload it first, or correct source.key`,
    );
  return { name: key, ...stat, readRange: (startByte, endByte) => artefacts.readInbox(key, startByte, endByte) };
}

const bronzeName = (part: number): string => `bronze-${String(part).padStart(5, '0')}.parquet`;

/** Writes the parts that are not there yet; after each one another leg could go on. */
async function pullBronze(source: ByteSource, stream: string, context: Context): Promise<Legs> {
  const { ports, run, signal } = context;
  let state = startOfLeg(context.cursor, run.fence);
  if (state.reader?.done) return state as Legs;
  const header = await readHeader(source, signal);
  const options = { stream, rowsPerPart: DEFAULT_ROWS_PER_PART };
  const cursor = state.reader ? { cursor: state.reader } : {};
  for await (const message of csvConnector.read({ source, options, signal, ...cursor })) {
    if (message.type === 'RECORD') {
      const bytes = await writeParquet(bronzeTable(header, message.part), signal);
      await ports.artefacts.put(bronzeName(message.part.part), bytes, parquetType);
    }
    if (message.type === 'STATE') {
      state = { ...state, reader: message.cursor };
      reportBronze(message.cursor, context);
      await context.checkpoint(state);
    }
  }
  return legsSchema.parse(state);
}

/** From here on the data set's name means this silver. */
async function publish(
  written: readonly Artefact[],
  report: QualityReport,
  of: { payload: Payload; context: Context },
) {
  const { payload, context } = of;
  const silver = written.find(({ name }) => name === 'silver');
  if (!silver) throw new TypeError('a pull without silver has nothing to publish');
  await context.ports.datasets.publish(payload.dataset, {
    run: context.run.id,
    key: silver.key,
    sha256: sha256Hex(silver.bytes),
    rows: report.rowsSilver,
    rowsQuarantined: report.rowsQuarantined,
    gaps: report.gaps.missing,
    atMs: context.nowMs(),
  });
}

/** What was asked for after the pull: its id is the same for every leg and attempt. */
async function startNext({ next, dataset }: Payload, runs: Context['ports']['runs']): Promise<{ started?: string }> {
  if (!next) return {};
  const id = await runs.idOf('backtest');
  await runs.start({ id, task: 'backtest.run', payload: { ...next.backtest, data: { dataset } } });
  return { started: id };
}

/** The state that an earlier leg or attempt left, and this leg entered in it. */
function startOfLeg(cursor: unknown, fence: number): Pick<Legs, 'legs'> & Partial<Legs> {
  if (cursor === undefined) return { legs: [{ fence, from: 0 }] };
  const before = legsSchema.parse(cursor);
  return before.reader.done ? before : { ...before, legs: [...before.legs, { fence, from: before.reader.nextPart }] };
}

/** Reading is the first seven tenths of the work. */
const reportBronze = (reader: IngestCursor, context: Context): void =>
  context.progress({
    stage: 'bronze',
    done: reader.rows,
    unit: 'rows',
    pct: Math.floor((70 * reader.nextByte) / reader.sizeBytes),
  });

const parquetType = 'application/vnd.apache.parquet';

/** Where each part lies: under the fence of the leg that wrote it. */
function partsOf({ reader, legs }: Legs): { fence: number; name: string }[] {
  return Array.from({ length: reader.nextPart }, (_, part) => {
    const leg = legs.findLast((one) => one.from <= part);
    if (leg) return { fence: leg.fence, name: bronzeName(part) };
    throw new IngestError('INGEST_CURSOR_INVALID', `No leg wrote part ${part}: ingest the file again.`);
  });
}

async function* bronzeParts(legs: Legs, artefacts: RunArtefacts): AsyncGenerator<BronzePart> {
  for (const { fence, name } of partsOf(legs)) yield (await readBronze(await artefacts.read(fence, name))).part;
}

async function makeSilver(from: { source: ByteSource; legs: Legs; payload: Payload; context: Context }) {
  const { source, legs, payload, context } = from;
  const { ports, signal } = context;
  context.progress({ stage: 'silver', pct: 75 });
  const header = await readHeader(source, signal);
  const silver = await toSilver({
    header,
    parts: () => bronzeParts(legs, ports.artefacts),
    calendar: payload.calendar,
    signal,
  });
  const written: Artefact[] = [];
  const tables = { silver: silverTable(silver), quarantine: quarantineTable(silver), quality: reportTable(silver) };
  for (const [name, table] of Object.entries(tables)) {
    const bytes = await writeParquet(table, signal);
    const key = await ports.artefacts.put(`${name}.parquet`, bytes, parquetType);
    written.push({ name, key, bytes, rows: table.rows });
  }
  context.progress({ stage: 'manifest', pct: 95 });
  const bronze = {
    rows: legs.reader.rows,
    keys: await Promise.all(partsOf(legs).map(({ fence, name }) => ports.artefacts.keyOf(fence, name))),
  };
  const manifestKey = await writeManifest(ports.artefacts, { payload, source, bronze, report: silver.report, written });
  await publish(written, silver.report, { payload, context });
  const { rowsIn, rowsSilver, rowsQuarantined, duplicates, gaps } = silver.report;
  return { rowsIn, rowsSilver, rowsQuarantined, duplicates, gaps: gaps.missing, manifestKey };
}

import type { PayloadOf } from '#core/catalogue/tasks.ts';
import { Failure } from '#core/errors.ts';
import type { TaskContext } from '#core/task.ts';
import type { Bars } from '#engines/backtest/bars.ts';
import { sha256Hex } from '#engines/digest.ts';
import { readSilver, silverOfCsv } from '#engines/ingest/silver-columns.ts';

export type Payload = PayloadOf<'backtest.run'>;
export type Context = TaskContext<'backtest.run'>;

/** The bars of a run, and where they come from: a report without it is worth nothing. */
export interface Input {
  readonly bars: Bars;
  readonly data: {
    readonly name: string;
    readonly key: string;
    readonly sha256: string;
    /** The run that made it, where one did. */
    readonly run?: string;
    readonly rows: number;
    readonly quarantinedRows: number;
    /** Sessions without a bar, where that is known. */
    readonly gaps?: number;
  };
}

/** Fetches and reads the bars. @throws Failure INPUT_INVALID, IngestError for a file that is no OHLCV */
export async function loadInput(payload: Payload, context: Context): Promise<Input> {
  const { name, key, bytes, known } = await fetchData(payload.data, context);
  const { quarantined, ...bars } = key.endsWith('.csv')
    ? await silverOfCsv(name, bytes, context.signal)
    : await readSilver(name, bytes);
  const data = { name, key, sha256: sha256Hex(bytes), rows: bars.tsMs.length, quarantinedRows: quarantined, ...known };
  return { bars, data };
}

interface Fetched {
  readonly name: string;
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly known: { readonly run?: string; readonly quarantinedRows?: number; readonly gaps?: number };
}

async function fetchData(data: Payload['data'], { ports, run }: Context): Promise<Fetched> {
  if ('dataset' in data) return fetchDataset(data.dataset, ports.datasets);
  const key = 's3' in data ? await ports.datasets.keyOfAddress(data.s3) : `inbox/${run.tenant}/${data.path}`;
  return { name: key.split('/').at(-1) ?? key, key, bytes: await ports.datasets.read(key), known: {} };
}

async function fetchDataset(name: string, datasets: Context['ports']['datasets']): Promise<Fetched> {
  const version = await datasets.find(name);
  if (!version) {
    throw new Failure(
      'INPUT_INVALID',
      `there is no data set ${name}: ingest it first (ingest.pull), or correct data.dataset`,
    );
  }
  const { key, run, rowsQuarantined, gaps } = version;
  return { name, key, bytes: await datasets.read(key), known: { run, quarantinedRows: rowsQuarantined, gaps } };
}

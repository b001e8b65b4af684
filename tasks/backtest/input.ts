import type { PayloadOf } from '#core/catalogue/tasks.ts';
import { Failure } from '#core/errors.ts';
import type { TaskContext } from '#core/task.ts';
import { checkBars, selectBars, type Bars } from '#engines/backtest/bars.ts';
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
    readonly quarantined: number;
    /** Sessions without a bar, where that is known. */
    readonly gaps?: number;
    readonly droppedBefore: number;
    readonly droppedAfter: number;
  };
}

/** Loads, checks and cuts. @throws Failure INPUT_INVALID, PAYLOAD_INVALID */
export async function loadInput(payload: Payload, context: Context): Promise<Input> {
  const { name, key, bytes, known } = await fetchData(payload.data, context);
  const columns = name.endsWith('.csv')
    ? await silverOfCsv(name, bytes, context.signal)
    : await readSilver(name, bytes);
  const { bars, droppedBefore, droppedAfter } = selectBars(checkBars(columns), {
    fromMs: payload.from === undefined ? undefined : Date.parse(payload.from),
    toMs: payload.to === undefined ? undefined : endOf(payload.to),
  });
  return {
    bars,
    data: {
      name,
      key,
      sha256: sha256Hex(bytes),
      rows: columns.tsMs.length,
      quarantined: columns.quarantined,
      droppedBefore,
      droppedAfter,
      ...known,
    },
  };
}

/** A date means its whole day. */
const endOf = (moment: string): number =>
  moment.includes('T') ? Date.parse(moment) : Date.parse(moment) + 86_400_000 - 1;

interface Fetched {
  readonly name: string;
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly known: { readonly run?: string; readonly quarantined?: number; readonly gaps?: number };
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
  return { name, key, bytes: await datasets.read(key), known: { run, quarantined: rowsQuarantined, gaps } };
}

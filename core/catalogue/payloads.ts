/** What payloads are made of. */
import * as z from 'zod';

/** A key in the artefact store: relative, no empty or dotted segments. */
export const objectKey = z
  .string()
  .min(1)
  .max(512)
  .regex(
    // NUL by its number: not every reader of a pattern knows it otherwise.
    // oxlint-disable-next-line no-control-regex
    /^(?![\s\S]*(?:^|\/)(?:\.{1,2})?(?:\/|$))[^/\s](?:[^\x00\n\r]*[^/\s])?$/,
    'is not an object key such as inbox/sp500.csv',
  );

export const datasetName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'is not a data set name such as sp500-daily');
/** OHLCV bars: the newest silver of a data set, or one Parquet or CSV file, in the tenant's inbox or by its address. */
const backtestData = z.union([
  z.strictObject({ dataset: datasetName }),
  z.strictObject({ path: objectKey }),
  z.strictObject({ s3: z.string().regex(/^s3:\/\/[a-z0-9.-]{3,63}\/\S{1,512}$/, 'is not s3://bucket/key') }),
]);
const fraction = z.number().min(0).lt(1);
/** What the simulated broker charges and allows; fractions of price or value, money in the currency of the prices. */
const backtestBroker = z.strictObject({
  cash: z.number().positive().default(10_000),
  commission: z
    .union([fraction, z.strictObject({ fixed: z.number().min(0).default(0), relative: fraction.default(0) })])
    .default(0),
  margin: z.number().gt(0).max(1).default(1),
  spread: fraction.default(0),
  slippage: fraction.default(0),
  tradeOnClose: z.boolean().default(false),
  hedging: z.boolean().default(false),
  exclusiveOrders: z.boolean().default(false),
  finalizeTrades: z.boolean().default(false),
});
const moment = z.union([z.iso.date(), z.iso.datetime({ offset: false })]);

/** What `backtest.run` takes. */
export const backtestPayload = z.strictObject({
  data: backtestData,
  strategy: z.strictObject({
    name: z.string().min(1).max(64),
    params: z.record(z.string().max(64), z.union([z.number(), z.string().max(64), z.boolean()])).default({}),
  }),
  broker: backtestBroker.prefault({}),
  /** First and last bar, inclusive: a date, or a time in UTC. */
  from: moment.optional(),
  to: moment.optional(),
  engine: z.enum(['event', 'vectorbt-pro', 'lean']).default('event'),
  /** Resamples of the returns behind the confidence intervals; more take longer and say a little more. */
  resamples: z.int().min(100).max(1_000_000).default(20_000),
});

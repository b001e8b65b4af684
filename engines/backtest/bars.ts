// Price bars as columns, checked once where they come in and trusted from there on.
import { badData } from '#engines/backtest/errors.ts';

/** Parallel columns, oldest bar first. Volume may be NaN where the source has none. */
export interface Bars {
  /** Opening instant of each bar, milliseconds since 1970 UTC; strictly ascending. */
  readonly tsMs: Float64Array;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
}

/** One bar, as a feed would hand it over. */
export interface Bar {
  tsMs: number;
  open: number;
  high: number;
  low: number;
  close: number;
}

const PRICES = ['open', 'high', 'low', 'close'] as const;

export const barCount = (bars: Bars): number => bars.tsMs.length;

/** A cell that is known to exist. */
export const at = (column: Float64Array, index: number): number => column[index] as number;

export const barAt = (bars: Bars, index: number): Bar => ({
  tsMs: at(bars.tsMs, index),
  open: at(bars.open, index),
  high: at(bars.high, index),
  low: at(bars.low, index),
  close: at(bars.close, index),
});

/** ISO time, without the clock where it is midnight. */
export const shownTime = (tsMs: number): string =>
  Number.isFinite(tsMs)
    ? new Date(tsMs).toISOString().replace('T00:00:00.000Z', '').replace('.000Z', 'Z')
    : String(tsMs);

/** Throws INPUT_INVALID for columns of unequal length, times out of order, prices no market has, and names the first bar. */
export const checkBars = (bars: Bars): Bars => {
  const rows = barCount(bars);
  if (rows === 0) throw badData('the data has no bar: check the file, or the from and to of the run');
  for (const name of [...PRICES, 'volume'] as const) {
    const { length } = bars[name];
    if (length !== rows)
      throw badData(`column ${name} has ${length} values for ${rows} bars: hand over columns of one length`);
  }
  for (let index = 0; index < rows; index += 1) {
    checkTime(bars, index);
    checkPrices(bars, index);
  }
  return bars;
};

const checkTime = ({ tsMs }: Bars, index: number): void => {
  const now = at(tsMs, index);
  if (!Number.isFinite(now)) throw badData(`bar ${index} has no time: drop it, or give it one`);
  if (index === 0 || now > at(tsMs, index - 1)) return;
  const wrong =
    now === at(tsMs, index - 1) ? 'the same time as the bar before it' : 'an earlier time than the bar before it';
  throw badData(`bar ${index} has ${wrong}, ${shownTime(now)}: sort the bars by time and keep one a time`);
};

const checkPrices = (bars: Bars, index: number): void => {
  const [open, high, low, close] = [
    at(bars.open, index),
    at(bars.high, index),
    at(bars.low, index),
    at(bars.close, index),
  ];
  // Written so that NaN fails: a comparison with it is false.
  if (low > 0 && high < Number.POSITIVE_INFINITY && low <= open && open <= high && low <= close && close <= high)
    return;
  throw badData(wrongPrices(bars, index, { open, high, low, close }));
};

const wrongPrices = (bars: Bars, index: number, prices: Omit<Bar, 'tsMs'>): string => {
  const wrong = PRICES.find((name) => !(prices[name] > 0 && Number.isFinite(prices[name])));
  const { open, high, low, close } = prices;
  const bar = where(bars, index);
  if (wrong) return `${bar} has ${wrong} ${prices[wrong]}: prices must be positive numbers; drop the bar or correct it`;
  if (high < low) return `${bar} has high ${high} below low ${low}: correct the bar`;
  return `${bar} has open ${open} or close ${close} outside low ${low} to high ${high}: correct the bar`;
};

const where = (bars: Bars, index: number): string => `bar ${index} of ${shownTime(at(bars.tsMs, index))}`;

/** What a selection by time left out, in bars. */
export interface Selection {
  readonly bars: Bars;
  readonly droppedBefore: number;
  readonly droppedAfter: number;
}

/** The bars from `fromMs` to `toMs`, both included; columns share memory. Throws INPUT_INVALID where none would be left. */
export const selectBars = (
  bars: Bars,
  range: { fromMs?: number | undefined; toMs?: number | undefined },
): Selection => {
  const { fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY } = range;
  const rows = barCount(bars);
  const span = `${shownTime(at(bars.tsMs, 0))} to ${shownTime(at(bars.tsMs, rows - 1))}`;
  if (Number.isNaN(fromMs) || Number.isNaN(toMs)) throw badData('from or to is not a time: write it as 2020-01-31');
  if (fromMs > toMs) throw badData(`from ${shownTime(fromMs)} is after to ${shownTime(toMs)}: exchange them`);
  const start = bars.tsMs.findIndex((tsMs) => tsMs >= fromMs);
  const end = bars.tsMs.findLastIndex((tsMs) => tsMs <= toMs) + 1;
  if (start === -1 || end <= start) {
    throw badData(`no bar lies between ${shownTime(fromMs)} and ${shownTime(toMs)}: the data runs from ${span}`);
  }
  return {
    bars: start === 0 && end === rows ? bars : slice(bars, start, end),
    droppedBefore: start,
    droppedAfter: rows - end,
  };
};

/** Bars [start, end); columns share memory. */
export const slice = (bars: Bars, start: number, end: number): Bars => ({
  tsMs: bars.tsMs.subarray(start, end),
  open: bars.open.subarray(start, end),
  high: bars.high.subarray(start, end),
  low: bars.low.subarray(start, end),
  close: bars.close.subarray(start, end),
  volume: bars.volume.subarray(start, end),
});

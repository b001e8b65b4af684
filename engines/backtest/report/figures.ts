// Which charts a report has, each drawn twice: for a desk and for a phone.
import { at } from '#engines/backtest/bars.ts';
import type { BacktestResult } from '#engines/backtest/backtest.ts';
import { holdCurve } from '#engines/backtest/equity.ts';
import { underwater } from '#engines/backtest/metrics/drawdowns.ts';
import { area, draw, heatMap, line, monthName, symbols, timeChart } from '#engines/backtest/report/charts.ts';
import type { Frame, Row } from '#engines/backtest/report/charts.ts';
import { keptIndices } from '#engines/backtest/report/downsample.ts';
import { monthReturns } from '#engines/backtest/report/months.ts';
import type { Simulation } from '#engines/backtest/simulate.ts';

/** SVG text, wide and narrow. */
export interface Drawing {
  wide: string;
  narrow: string;
}

export interface Drawings {
  equity: Drawing;
  drawdown: Drawing;
  price: Drawing;
  /** Absent where the run has more years than a page should. */
  months: Drawing | null;
}

const frames = (height: number): { wide: Frame; narrow: Frame } => ({
  wide: { width: 960, height, narrow: false },
  narrow: { width: 358, height: Math.round(height * 0.75), narrow: true },
});

type Draw = (frame: Frame) => ReturnType<typeof timeChart>;

const both = async (height: number, spec: Draw): Promise<Drawing> => {
  const { wide, narrow } = frames(height);
  return { wide: await draw(spec(wide)), narrow: await draw(spec(narrow)) };
};

/** All charts of a finished run. */
export const drawAll = async (run: Simulation, result: BacktestResult): Promise<Drawings> => ({
  equity: await both(300, equityChart(run, result)),
  drawdown: await both(160, drawdownChart(run, result)),
  price: await both(320, priceChart(run, result)),
  months: await monthChart(run, result),
});

const points = (frame: Frame, tsMs: Float64Array, columns: Record<string, Float64Array>): Row[] =>
  keptIndices(Object.values(columns), Math.round(frame.width * 0.6)).map((index) => ({
    ts: at(tsMs, index),
    ...Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, rounded(at(column, index))])),
  }));

// Seven digits are finer than a pixel and keep the file small.
const rounded = (value: number): number => Number(value.toPrecision(7));

/** A range that spans more than one order of magnitude is read better in logarithms. */
const wantsLog = (...columns: Float64Array[]): boolean => {
  const low = Math.min(...columns.map((column) => column.reduce((a, b) => Math.min(a, b))));
  const high = Math.max(...columns.map((column) => column.reduce((a, b) => Math.max(a, b))));
  return low > 0 && high / low > 12;
};

const equityChart = ({ bars, broker, strategy }: Simulation, { curve }: BacktestResult): Draw => {
  const hold = holdCurve(bars, { cash: broker.options.cash, fromBar: strategy.warmUpBars });
  const { equity } = curve;
  const log = wantsLog(equity, hold);
  return (frame) =>
    timeChart({
      frame,
      points: points(frame, bars.tsMs, { equity, hold }),
      fields: ['equity', 'hold'],
      marks: [line('hold', 'var(--hold)', [4, 3]), line('equity', 'var(--equity)')],
      format: '.3~s',
      log,
    });
};

const drawdownChart = ({ bars }: Simulation, { curve }: BacktestResult): Draw => {
  const drawdown = underwater(curve.equity);
  return (frame) =>
    timeChart({
      frame,
      points: points(frame, bars.tsMs, { drawdown }),
      fields: ['drawdown'],
      marks: [area('drawdown', 'var(--loss)')],
      format: '.0%',
      zero: true,
    });
};

const priceChart = ({ bars, broker }: Simulation, { trades }: BacktestResult): Draw => {
  const tsAt = (bar: number): number => at(bars.tsMs, bar);
  const all = [...broker.trades, ...broker.closed].map(({ size, entryBar, entryPrice }) => ({
    size,
    ts: tsAt(entryBar),
    price: entryPrice,
  }));
  const data = {
    long: all.filter(({ size }) => size > 0),
    short: all.filter(({ size }) => size < 0),
    exit: trades.map(({ exitBar, exitPrice }) => ({ ts: tsAt(exitBar), price: exitPrice })),
  };
  const log = wantsLog(bars.close);
  return (frame) => {
    const size = (frame.narrow ? 44 : 80) / (all.length > 200 ? 2 : 1);
    return timeChart({
      frame,
      points: points(frame, bars.tsMs, { close: bars.close }),
      fields: ['close'],
      marks: [
        line('close', 'var(--hold)'),
        symbols('exit', { shape: 'cross', colour: 'var(--soft)', size: size * 0.8 }),
        symbols('long', { shape: 'triangle-up', colour: 'var(--gain)', size }),
        symbols('short', { shape: 'triangle-down', colour: 'var(--loss)', size }),
      ],
      format: bars.close.some((price) => price < 10) ? '.4~f' : '.3~s',
      log,
      data,
    });
  };
};

const MOST_YEARS = 60;

const monthChart = async ({ bars }: Simulation, { curve }: BacktestResult): Promise<Drawing | null> => {
  const cells = monthReturns(bars.tsMs, curve.equity).map(({ year, month, percent }) => ({
    year: String(year),
    month: monthName(month),
    percent: rounded(percent),
  }));
  const years = new Set(cells.map(({ year }) => year)).size;
  if (years > MOST_YEARS) return null;
  const heightOf = (frame: Frame): number => 34 + years * (frame.narrow ? 22 : 26);
  return both(0, (frame) => heatMap({ ...frame, height: heightOf(frame) }, cells));
};

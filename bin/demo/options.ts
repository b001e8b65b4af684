import { parseArgs } from 'node:util';
import { defaultChoice, type BacktestChoice } from './backtest.ts';
import { defaultCsv, readCsv, UsageError, type CsvFile } from './csv-file.ts';

/** What the demo is to be about. */
export interface Asked {
  readonly file: CsvFile;
  readonly choice: BacktestChoice;
}
export type DemoOptions = Asked & { readonly json: boolean };

/** Reads the command line of the demo. Throws UsageError, which names the value and shows `usage`. */
export function demoOptions(command: string): DemoOptions {
  const usage = `${command} -- [--csv FILE] [--fast BARS] [--slow BARS] [--cash MONEY] [--commission FRACTION] [--json]`;
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  try {
    const { values } = parseArgs({
      options: { csv: text, fast: text, slow: text, cash: text, commission: text, json: flag },
    });
    return { json: values.json, file: readCsv(values.csv ?? defaultCsv()), choice: choiceOf(values) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw error instanceof UsageError && error.message.includes('Usage')
      ? error
      : new UsageError(`${message}\nUsage: ${usage}`);
  }
}

type Given = Partial<Record<keyof BacktestChoice, string | boolean>>;

/** The demo refuses early what the plane would refuse late: by then two minutes may have passed. */
function choiceOf(given: Given): BacktestChoice {
  const choice = {
    fast: number('fast', given.fast, defaultChoice.fast),
    slow: number('slow', given.slow, defaultChoice.slow),
    cash: number('cash', given.cash, defaultChoice.cash),
    commission: number('commission', given.commission, defaultChoice.commission),
  };
  for (const name of ['fast', 'slow'] as const) {
    if (!Number.isInteger(choice[name]) || choice[name] < 1)
      throw wrong(name, choice[name], 'a whole number of bars from 1');
  }
  if (choice.fast >= choice.slow) throw wrong('fast', choice.fast, `less than --slow, which is ${choice.slow}`);
  if (!(choice.cash > 0)) throw wrong('cash', choice.cash, 'more than 0');
  if (!(choice.commission >= 0 && choice.commission < 1))
    throw wrong('commission', choice.commission, 'from 0 to below 1: 0.002 is 0.2 %');
  return choice;
}

function number(name: string, given: string | boolean | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  const value = typeof given === 'string' && given.trim() !== '' ? Number(given) : Number.NaN;
  if (Number.isFinite(value)) return value;
  throw wrong(name, given, 'a number');
}
const wrong = (name: string, value: unknown, wanted: string) =>
  new UsageError(`--${name} is ${String(value)}: give ${wanted}.`);

// What a process of a body may do to its executor: fill its memory, hear nothing, outlive who started it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { Failure, toFailure } from '#core/errors.ts';
import { childBodies, type ChildOptions } from '#runtime/executor/child.ts';
import { until } from '#test/local/fixtures/plane.ts';
import { descendants, isAlive } from '#test/local/fixtures/processes.ts';
import { measured } from './support/measured.ts';
import { sideOfExecutor } from './support/side.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const entry = here('../unit/runtime/fixtures/child.ts');

/** Begins a body that does as `does` says; resolves with its failure at its end. */
function begin(does: string, options: Pick<ChildOptions, 'memoryMb' | 'patienceMs'>) {
  const said: unknown[] = [];
  const side = sideOfExecutor((report) => said.push(report));
  const body = childBodies({ 'backtest.run': async () => undefined }, { entry, log: side.log, ...options });
  const failure = body['backtest.run']!({ does }, side.context).then(
    () => expect.fail('it ended well'),
    (thrown: unknown) => toFailure(thrown),
  );
  return { ...side, said, failure };
}

const bodies = (): number[] => descendants(process.pid);

test('a body that fills its memory dies alone, and is told that it asked for too much', async () => {
  const { failure, log } = begin('fillsMemory', { memoryMb: 48 });
  const { code, message } = await failure;
  expect(code).toBe('CHILD_DIED');
  expect(message).toMatch(
    /^the process of run run-1 ran out of memory \(its slot has 48 MiB\) and .+: ask for less data in one run$/,
  );
  expect(log.lines.at(-1)).toMatchObject({ fields: { run: 'run-1', task: 'backtest.run', spoke: false } });
});

test('a body that hears neither the end nor SIGTERM gets SIGKILL, and only then its attempt is over', async () => {
  const before = bodies();
  const { failure, ending, said, log } = begin('ignoresEverything', { patienceMs: { end: 300, term: 300 } });
  await until('it is deaf', () => said.length > 0);
  const [body = 0] = bodies().filter((pid) => !before.includes(pid));
  expect(isAlive(body)).toBe(true);
  const toldMs = performance.now();
  ending.abort(new Failure('RUN_CANCELLED', 'cancelled by anna: enough'));
  expect(await failure).toMatchObject({ code: 'RUN_CANCELLED', message: 'cancelled by anna: enough' });
  const tookMs = performance.now() - toldMs;
  expect(isAlive(body)).toBe(false);
  expect(tookMs).toBeGreaterThanOrEqual(590);
  expect(log.lines.at(-1)).toMatchObject({ fields: { exitSignal: 'SIGKILL', spoke: false } });
  measured('told to end, to verified gone, with 300 ms for the end and 300 ms for SIGTERM', tookMs / 1000, 's');
});

test('a body that was to be ended before it began is ended all the same', async () => {
  const side = sideOfExecutor(() => undefined);
  side.ending.abort(new Failure('KILL_SWITCH_HALTED', 'halted'));
  const options = { entry, log: side.log, patienceMs: { end: 200, term: 200 } };
  const body = childBodies({ 'backtest.run': async () => undefined }, options)['backtest.run']!;
  const [end] = await Promise.allSettled([body({ does: 'ignoresEverything' }, side.context)]);
  expect(end).toMatchObject({ status: 'rejected', reason: { code: 'KILL_SWITCH_HALTED' } });
  expect(side.log.lines.at(-1)).toMatchObject({ fields: { spoke: false } });
});

test.each(['ignoresEverything', 'loops'])('a body that %s ends with an executor that gets SIGKILL', async (does) => {
  const executor = spawn(process.execPath, [here('support/executor-side.ts'), entry, does], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void executor.kill('SIGKILL'));
  await once(executor.stdout, 'data');
  const [body = 0, ...others] = descendants(executor.pid ?? -1);
  expect(others).toEqual([]);
  expect(isAlive(body)).toBe(true);
  const killedMs = performance.now();
  executor.kill('SIGKILL');
  await until('the body is gone', () => !isAlive(body));
  measured(`kill -9 of an executor to the end of a body that ${does}`, performance.now() - killedMs, 'ms');
});

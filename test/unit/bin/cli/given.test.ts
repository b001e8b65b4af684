import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { payloadOf, payloadText, withOpenNames } from '#bin/cli/payload/given.ts';
import { taskFlags } from '#bin/cli/task-flags.ts';
import { taskContract, type TaskName } from '#core/catalogue/tasks.ts';
import { temporary } from './support.ts';

const flags = (task: TaskName) => taskFlags().find((one) => one.task === task)!;

test('flags make a payload that fits its contract, and what can be nothing else is filled in', () => {
  const payload = payloadOf(flags('ingest.pull'), undefined, { dataset: 'prices', 'source.key': 'a.csv' });
  expect(payload).toEqual({ connector: 'csv', dataset: 'prices', source: { key: 'a.csv' } });
  expect(taskContract('ingest.pull').payload.safeParse(payload).success).toBe(true);
});

test('flags go over a payload that was given whole', () => {
  const base = { connector: 'csv', dataset: 'old', source: { key: 'a.csv' }, calendar: 'XNYS' };
  expect(payloadOf(flags('ingest.pull'), base, { dataset: 'new' })).toEqual({ ...base, dataset: 'new' });
});

test('names that no contract knows are pairs, or flags of their own', () => {
  const tasks = [flags('backtest.run')];
  const args = withOpenNames(
    ['run', '--strategy.params.fast', '10', '--strategy.params.slow=30', '--from', 'x'],
    tasks,
  );
  expect(args).toEqual(['run', '--strategy.params', 'fast=10', '--strategy.params', 'slow=30', '--from', 'x']);
  const payload = payloadOf(flags('backtest.run'), undefined, { 'strategy.params': ['fast=10', 'slow=30'] });
  expect(payload).toEqual({ strategy: { params: { fast: 10, slow: 30 } } });
});

test.each([
  [{ resamples: 'many' }, '--resamples "many": give a whole number'],
  [{ engine: 'evnt' }, '--engine "evnt": give one of event, vectorbt-pro, lean'],
  [{ 'strategy.params': ['fast'] }, '--strategy.params "fast": write it as name=value'],
])('%j is refused by the name of its flag', (texts, said) => {
  expect(() => payloadOf(flags('backtest.run'), undefined, texts)).toThrow(said);
});

test('a payload is read as text and from a file; what is no JSON is refused by where it stood', () => {
  const file = join(temporary(), 'payload.json');
  writeFileSync(file, '{"a":1}');
  expect([payloadText('{"a":1}'), payloadText(`@${file}`)]).toEqual([{ a: 1 }, { a: 1 }]);
  writeFileSync(file, '{');
  expect(() => payloadText(`@${file}`)).toThrow(`${file} is no JSON`);
  expect(() => payloadText('{a}')).toThrow('--payload is no JSON');
  expect(() => payloadText('@/nonexistent')).toThrow('/nonexistent cannot be read');
});

import * as z from 'zod';
import { expect, test } from 'vitest';
import { fieldsOf } from '#bin/cli/payload/fields.ts';
import { flagOf } from '#bin/cli/payload/flag.ts';
import { valueOf, withValue } from '#bin/cli/payload/values.ts';
import { taskContract, taskNames } from '#core/catalogue/tasks.ts';

const flags = (payload: z.ZodType) => fieldsOf(payload).fields.map(flagOf);

test('a backtest has a flag for each field, nested ones by their path, in the words of a command line', () => {
  expect(flags(taskContract('backtest.run').payload)).toEqual(
    expect.arrayContaining([
      '--data.dataset',
      '--broker.cash',
      '--broker.trade-on-close',
      '--strategy.params.',
      '--from',
    ]),
  );
});

test('every field of every task has a flag of its own', () => {
  for (const task of taskNames) {
    const all = flags(taskContract(task).payload);
    expect([task, new Set(all).size]).toEqual([task, all.length]);
    for (const flag of all) expect(flag).toMatch(/^--[a-z][a-z0-9.-]*$/);
  }
});

test('of several variants no field is needed by itself; what all need is', () => {
  const { fields } = fieldsOf(
    z.strictObject({ at: z.union([z.strictObject({ x: z.int() }), z.strictObject({ y: z.int() })]), name: z.string() }),
  );
  expect(fields.map(({ path, required }) => [path.join('.'), required])).toEqual([
    ['at.x', false],
    ['at.y', false],
    ['name', true],
  ]);
});

test('a field that can hold one value alone is fixed', () => {
  expect(fieldsOf(taskContract('ingest.pull').payload).fixed.map(({ path, choices }) => [path, choices])).toEqual([
    [['connector'], ['csv']],
  ]);
});

test.each([
  [['number'], '0.5', 0.5],
  [['integer'], '20000', 20_000],
  [['boolean'], 'true', true],
  [['string'], '10', '10'],
  [['number', 'string', 'boolean'], '10', 10],
  [['number', 'string', 'boolean'], 'false', false],
  [['number', 'string', 'boolean'], 'fast', 'fast'],
  [['json'], '[1,2]', [1, 2]],
] as const)('as %j the text %s is read', (kinds, text, value) => {
  expect(valueOf({ kinds }, text)).toEqual(value);
});

test.each([
  [['number'], 'ten', 'give a number'],
  [['number'], '', 'give a number'],
  [['number'], 'Infinity', 'give a number'],
  [['integer'], '1.5', 'give a whole number'],
  [['boolean'], 'yes', 'give true or false'],
  [['json'], '{', 'give JSON'],
] as const)('as %j the text %j is refused with what is wanted', (kinds, text, said) => {
  expect(() => valueOf({ kinds }, text)).toThrow(said);
});

test('of choices only one is taken', () => {
  expect(() => valueOf({ kinds: ['string'], choices: ['auto', 'XNYS'] }, 'xnys')).toThrow('give one of auto, XNYS');
});

test('a value is set at its path beside what stands there, and the payload that was given stays as it was', () => {
  const given = { broker: { cash: 1 } };
  expect(withValue(given, ['broker', 'margin'], 0.5)).toEqual({ broker: { cash: 1, margin: 0.5 } });
  expect(withValue(undefined, ['a', 'b', 'c'], 1)).toEqual({ a: { b: { c: 1 } } });
  expect(given).toEqual({ broker: { cash: 1 } });
});

test('a name that is a prototype elsewhere changes no prototype', () => {
  withValue({}, ['__proto__', 'polluted'], true);
  expect({}).not.toHaveProperty('polluted');
});

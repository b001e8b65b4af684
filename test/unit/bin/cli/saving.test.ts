import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { save } from '#bin/cli/saving.ts';
import { temporary } from './support.ts';

const bytes = new TextEncoder().encode('new');
const saved =
  (folder: string, name: string, force = false) =>
  () =>
    save({ folder, name, bytes, force });

test('a file is written below the folder, in folders of its own, and nothing is left beside it', () => {
  const folder = join(temporary(), 'to');
  expect(saved(folder, 'tables/trades.parquet')()).toBe(join(folder, 'tables', 'trades.parquet'));
  expect(readdirSync(join(folder, 'tables'))).toEqual(['trades.parquet']);
});

test.each(['../out', '/etc/out', 'a/../../out', 'a//b', './out', '', '..', 'a\\..\\b', 'C:out', 'a\0b', 'x\n'])(
  'the name %j is refused, and nothing is written',
  (name) => {
    const around = temporary();
    expect(saved(join(around, 'to'), name)).toThrow(/is no name of a file here/);
    expect(existsSync(join(around, 'to'))).toBe(false);
    expect(readdirSync(around)).toEqual([]);
  },
);

test('a symbolic link below the folder leads nowhere', () => {
  const [folder, elsewhere] = [temporary(), temporary()];
  symlinkSync(elsewhere, join(folder, 'tables'));
  expect(saved(folder, 'tables/a')).toThrow('is no folder');
  writeFileSync(join(elsewhere, 'kept'), 'old');
  symlinkSync(join(elsewhere, 'kept'), join(folder, 'file'));
  expect(saved(folder, 'file')).toThrow('is there already');
  saved(folder, 'file', true)();
  expect(readFileSync(join(elsewhere, 'kept'), 'utf8')).toBe('old');
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('new');
});

test('what is there already stays, unless it may give way; a folder never does', () => {
  const folder = temporary();
  writeFileSync(join(folder, 'a'), 'old');
  expect(saved(folder, 'a')).toThrow('--force');
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('old');
  mkdirSync(join(folder, 'b'));
  expect(saved(folder, 'b', true)).toThrow();
  expect(readdirSync(folder).toSorted()).toEqual(['a', 'b']);
});

import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { completionScript, shells } from '#bin/cli/completion/scripts.ts';
import { placesOf } from '#bin/cli/completion/tree.ts';
import { catalogueNames } from '#bin/cli/known.ts';
import { createProgram } from '#bin/cli/program.ts';
import { taskFlags } from '#bin/cli/task-flags.ts';
import { alphaswarm, temporary } from './support.ts';

const places = placesOf(createProgram(taskFlags()), catalogueNames);
const has = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

/** What bash offers for the last of the words, which may be empty. */
function offered(words: readonly string[]): string[] {
  const script = join(temporary(), 'alphaswarm.bash');
  writeFileSync(script, completionScript('bash', places));
  const ask = `. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _alphaswarm; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const said = execFileSync('bash', ['-c', ask, 'bash', script, 'alphaswarm', ...words], { encoding: 'utf8' });
  return said.split('\n').filter((line) => line !== '');
}

test.runIf(has('bash')).each([
  [['ru'], ['run', 'runs']],
  [['run', 'ingest.pu'], ['ingest.pull']],
  [
    ['run', 'ingest.pull', '--data'],
    ['--dataset', '--data'],
  ],
  [['run', 'ingest.pull', '--calendar', 'X'], ['XNYS']],
  [['redrive', 'inge'], ['ingestion']],
  [['halt', '--queue', 'pap'], ['paper']],
  [['--json', 'schedules', 'pause', 'status'], ['status-sync']],
  [['runs', '--state', 'f'], ['failed']],
  [['upload', '--as', ''], []],
  [['completion', ''], expect.arrayContaining(['bash', 'zsh', 'fish'])],
])('bash offers for %j what the tree and the catalogue have', (words, expected) => {
  expect(offered(words)).toEqual(expected);
});

test.each(shells)('the script for %s is one that it can read, where it is installed', (shell) => {
  const script = completionScript(shell, places);
  for (const word of ['ingest.pull', 'status-sync', '--strategy.params', 'redrive']) expect(script).toContain(word);
  if (!has(shell)) return;
  const file = join(temporary(), 'script');
  writeFileSync(file, script);
  expect(spawnSync(shell, ['-n', file], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
});

test('a word that would be shell is not written into a script', () => {
  const odd = [{ at: '', words: ['fine', "'; rm -rf ~ #", '$(id)'], values: [] }];
  for (const shell of shells) expect(completionScript(shell, odd)).not.toMatch(/rm -rf|\$\(id\)/);
});

test('the command prints the script of the shell that is named', async () => {
  expect(await alphaswarm(['completion', 'bash'])).toEqual({
    status: 0,
    stderr: '',
    stdout: completionScript('bash', places),
  });
  expect(await alphaswarm(['completion', 'tcsh'])).toMatchObject({ status: 2, stdout: '' });
});

test('with --json the script is a field of a document', async () => {
  const { status, stdout } = await alphaswarm(['completion', 'fish', '--json']);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ shell: 'fish', script: completionScript('fish', places) });
});

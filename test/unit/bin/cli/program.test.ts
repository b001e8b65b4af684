import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { examples } from '#bin/cli/examples.ts';
import { withOpenNames } from '#bin/cli/payload/given.ts';
import { createProgram } from '#bin/cli/program.ts';
import { didYouMean } from '#bin/cli/similar.ts';
import { taskFlags } from '#bin/cli/task-flags.ts';
import { taskNames } from '#core/catalogue/tasks.ts';
import { alphaswarm, errorOf } from './support.ts';

const root = join(import.meta.dirname, '..', '..', '..', '..');
const tasks = taskFlags();

/** Every command by the words that lead to it. */
function commands(of: Command = createProgram(tasks), at = ''): (readonly [name: string, command: Command])[] {
  return of.commands.flatMap((one) => {
    const name = `${at} ${one.name()}`.trim();
    return [[name, one] as const, ...commands(one, name)];
  });
}
const isTask = (name: string): boolean => taskNames.some((task) => name === `run ${task}`);

/** Words as a shell has them, as far as the examples go. */
const wordsOf = (line: string): string[] =>
  [...(line.split(/ [|>] /)[0] ?? '').matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');

test('every command has examples, and no example is of a command that is not there', () => {
  const names = commands().map(([name]) => name);
  expect(names.filter((name) => !isTask(name) && !examples[name])).toEqual([]);
  expect(Object.keys(examples).filter((name) => !names.includes(name))).toEqual([]);
});

const parsed = Object.values(examples)
  .flat()
  .filter((line) => !line.endsWith('--help'));
test.each(parsed)('the example %j is one that the command takes', (line) => {
  const program = createProgram(tasks);
  for (const [, command] of commands(program)) command.action(() => undefined);
  expect(() => program.parse(withOpenNames(wordsOf(line), tasks), { from: 'user' })).not.toThrow();
});

test('each command has a summary of its own, and says what it takes and what it ends with', () => {
  for (const [name, command] of commands())
    expect([name, command.summary() || command.description()]).not.toEqual([name, '']);
  const help = createProgram(tasks).helpInformation();
  for (const [name] of commands().filter(([one]) => !one.includes(' '))) expect(help).toContain(`  ${name}`);
});

test('no field of a payload has the flag of an option that every run has', () => {
  for (const [name, command] of commands().filter(([one]) => isTask(one))) {
    const flags = [...command.options, ...createProgram().options].map(({ long }) => long);
    expect([name, flags.length]).toEqual([name, new Set(flags).size]);
  }
});

test('docs/cli.md speaks of every command', () => {
  const page = readFileSync(join(root, 'docs', 'cli.md'), 'utf8');
  for (const [name] of commands().filter(([one]) => !isTask(one))) expect(page).toContain(`npx alphaswarm ${name}`);
});

test.each([
  ['ingest.pul', taskNames, '(Did you mean ingest.pull?)'],
  ['zzz', taskNames, ''],
])('for %j is meant %j', (word, names, said) => expect(didYouMean(word, names)).toBe(said));

test.each([
  [['stauts'], /unknown command 'stauts'\n\(Did you mean status\?\)/],
  [['run', 'ingest.pul', '--dataset', 'x'], /unknown task 'ingest.pul'\n\(Did you mean ingest.pull\?\)/],
  [['run', 'ingest.pull', '--datset', 'x'], /unknown option '--datset'\n\(Did you mean --dataset\?\)/],
  [['runs', '--stat', 'x'], /\(Did you mean --state\?\)/],
  [['runs', '--state', 'faild'], /Allowed choices are/],
  [['runs', '--limit', '0'], /whole number from 1 to 100/],
  [['cancel', 'r'], /required option '--reason <text>' not specified/],
  [['halt', '--yes'], /required option '--reason <text>' not specified/],
  [['up', '--sqs-port', '70000'], /whole number from 0 to 65535/],
  [['status', '--timeout', 'soon'], /number of seconds/],
  [['status', '--profile', 'nobody'], /There is no profile "nobody": there is local/],
  [[], /a command is missing/],
] as const)('%j is a usage error that says what to do', async (args, said) => {
  const ended = await alphaswarm(args, { XDG_CONFIG_HOME: '/nonexistent' });
  expect(ended).toMatchObject({ status: 2, stdout: '' });
  expect(ended.stderr).toMatch(said);
  expect(ended.stderr).not.toMatch(/\n\s+at /);
});

test('with --json an error is JSON on stderr', async () => {
  const ended = await alphaswarm(['stauts', '--json']);
  expect(ended).toMatchObject({ status: 2, stdout: '' });
  expect(errorOf(ended)).toMatchObject({
    code: 'USAGE',
    exit: 2,
    message: expect.stringContaining('Did you mean status'),
  });
});

test('help lists the exit codes, and is on stdout', async () => {
  const ended = await alphaswarm(['halt', '--help']);
  expect(ended).toMatchObject({ status: 0, stderr: '' });
  expect(ended.stdout).toContain('npx alphaswarm halt --direct');
  expect((await alphaswarm(['--help'])).stdout).toMatch(/Exit codes:\n {4}0 {2}done/);
});

const watcher = `
import { registerHooks } from 'node:module';
registerHooks({ load: (url, context, next) => { process.stderr.write(url + '\\n'); return next(url, context); } });
`;

test.each([['--help'], ['completion', 'bash'], ['run', 'ingest.pull', '--help']])(
  '%s loads neither the plane nor an SDK',
  async (...args) => {
    const hook = pathToFileURL(join(root, 'bin')).href;
    const ended = await alphaswarm(args, {
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(watcher)}`,
    });
    const loaded = ended.stderr.split('\n').filter((line) => line !== '');
    expect(loaded.some((url) => url.startsWith(hook))).toBe(true);
    expect(loaded.filter((url) => /@aws-sdk|@smithy|\/local\/|\/runtime\/|openid|ioredis/.test(url))).toEqual([]);
  },
);

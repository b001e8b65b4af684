// Adding a task as CONTRIBUTING says, to a copy of the tree: one contract, one file, one line in an index, one test. What
// follows from the contract must follow by itself: infrastructure, documentation, the local plane.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startNode, type Ended } from './support/child.ts';
import { copyTree, type Copy } from './support/copy.ts';

const contract = `
  'ingest.measure': {
    queue: 'ingestion',
    title: 'Measures a file in the inbox: a task that this test adds',
    payload: z.strictObject({ source: z.strictObject({ key: objectKey }) }),
    result: z.strictObject({ sizeBytes: count }),
    effect: 'reads',
    whenHalted: 'hold',
    mutatesWhileHalted: [],
    uses: ['artefacts'],
    startableBy: ['researcher', 'operator'],
    interrupt: 'kill',
    retry: standardRetry,
    costClass: 'small',
  },
`;
const body = `import { Failure } from '#core/errors.ts';
import type { TaskBody } from '#core/task.ts';

/** Says how large a file in the inbox is. */
export const measure: TaskBody<'ingest.measure'> = async ({ source }, { ports }) => {
  const stat = await ports.artefacts.statInbox(source.key);
  if (!stat) throw new Failure('INPUT_INVALID', \`there is no file \${source.key} in the tenant's inbox: upload it first\`);
  return { sizeBytes: stat.sizeBytes };
};
`;
const unitTest = `import { expect, test } from 'vitest';
import { inboxKey } from '#core/task-ports.ts';
import { anyBodies } from '#core/task.ts';
import { enqueue } from '#core/enqueue.ts';
import { memoryPlane } from '#memory/plane.ts';
import { ingestionTasks } from '#tasks/ingestion/index.ts';
import { anna, deliver, drive } from '#test/unit/core/support.ts';

test('a file is measured', async () => {
  const plane = memoryPlane();
  await plane.artefacts.put(inboxKey('acme', 'a.csv'), new Uint8Array(7), 'text/csv');
  const payload = { source: { key: 'a.csv' } };
  const { run } = await enqueue(plane, { task: 'ingest.measure', payload, tenant: 'acme', actor: anna, as: 'researcher' });
  await drive(plane, deliver(plane, 'ingestion', { bodies: anyBodies(ingestionTasks) }));
  const done = await plane.ledger.read(run.id);
  expect(done).toMatchObject({ state: 'succeeded', outcome: { result: { inline: { sizeBytes: 7 } } } });
});
`;
const onThePlane = `import { operatorOf } from '#local/operator.ts';
import { startPlane } from '#local/plane.ts';

const [assemblyDir = '', dataDir = ''] = process.argv.slice(2);
const plane = await startPlane({ assemblyDir, dataDir, clock: 'wall' });
const operator = operatorOf(plane, 'newcomer');
await operator.upload('a.csv', new Uint8Array(4711), 'text/csv');
const asked = await operator.request({ task: 'ingest.measure', payload: { source: { key: 'a.csv' } } });
const { state, attempt, queue } = await operator.until(asked.id, ['succeeded', 'failed', 'dead'], 60_000);
const run = await operator.run(asked.id);
console.log(JSON.stringify({ state, attempt, queue, result: run && (await operator.resultOf(run)) }));
operator.close();
await plane.stop();
`;

const files = {
  contract: 'core/catalogue/tasks.ts',
  body: 'tasks/ingestion/ingest-measure.ts',
  index: 'tasks/ingestion/index.ts',
  test: 'test/unit/tasks/ingestion/ingest-measure.test.ts',
};

let copy: Copy;
const at = (path: string): string => join(copy.dir, path);
const git = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@localhost', ...args], {
    cwd: copy.dir,
  }).toString();
const run = (...args: string[]): Promise<Ended> => startNode(args, { cwd: copy.dir }).ended;
const tool = (name: string): string => at(join('node_modules', ...toolPaths[name as keyof typeof toolPaths]));
const toolPaths = {
  tsc: ['typescript', 'bin', 'tsc'],
  cdk: ['aws-cdk', 'bin', 'cdk'],
  vitest: ['vitest', 'vitest.mjs'],
  oxlint: ['oxlint', 'bin', 'oxlint'],
};

function write(path: string, content: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), content);
}
function edit(path: string, before: string, after: string): void {
  const text = readFileSync(at(path), 'utf8');
  expect(text.split(before), `${path} holds ${JSON.stringify(before)} once`).toHaveLength(2);
  writeFileSync(
    at(path),
    text.replace(before, () => after),
  );
}

interface Synthesised {
  /** The template, asset hashes taken out of it. */
  readonly template: unknown;
  readonly bundles: readonly string[];
}
async function synthesise(name: string): Promise<Synthesised> {
  expectEnded(await run(tool('cdk'), 'synth', '--quiet', '--output', `.alphaswarm/${name}`));
  const dir = at(join('.alphaswarm', name));
  const template = readFileSync(join(dir, 'AlphaSwarm-dev.template.json'), 'utf8').replaceAll(/[0-9a-f]{64}/g, 'HASH');
  const bundles = readdirSync(dir).filter((asset) => asset.startsWith('asset.'));
  return { template: JSON.parse(template), bundles: bundles.map((asset) => readFolder(join(dir, asset))) };
}
const readFolder = (dir: string): string =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8'))
    .join('\n');

/** What a test only prepares must have gone well. */
function expectEnded({ status, stdout, stderr }: Ended): void {
  if (status !== 0) throw new Error(`status ${status}:\n${stdout}${stderr}`);
}

let before: Synthesised;
beforeAll(async () => {
  copy = copyTree();
  expectEnded(await run('bin/catalogue-page.ts'));
  git('init', '--quiet');
  git('add', '--all');
  git('commit', '--quiet', '--no-verify', '--message', 'as it stands');
  before = await synthesise('before');
  edit(
    files.contract,
    '} as const satisfies Record<string, TaskContract>;',
    `${contract.slice(1)}} as const satisfies Record<string, TaskContract>;`,
  );
  write(files.body, body);
  write(files.test, unitTest);
}, 120_000);
afterAll(() => copy.remove());

const importLine = "import { measure } from './ingest-measure.ts';\n";

test('a contract without its line in the index does not compile, and with it all does', async () => {
  const without = await run(tool('tsc'));
  expect(without.status).not.toBe(0);
  expect(without.stdout).toMatch(
    /tasks\/ingestion\/index\.ts\(\d+,\d+\): error TS2741: Property ''?"?ingest\.measure"?''? is missing/,
  );

  edit(
    files.index,
    "import { pull } from './ingest-pull.ts';\n",
    `${importLine}import { pull } from './ingest-pull.ts';\n`,
  );
  edit(files.index, "  'ingest.pull': pull,\n", "  'ingest.measure': measure,\n  'ingest.pull': pull,\n");
  const whole = await run(tool('tsc'));
  expect(whole.stdout).toBe('');
  expect(whole.status).toBe(0);
  expect(await run(tool('oxlint'), '--deny-warnings', ...Object.values(files))).toMatchObject({ status: 0 });
});

test('its own test passes, and exactly four files were touched, none of them in lib, local or functions', async () => {
  const tested = await run(tool('vitest'), 'run', '--project', 'unit', files.test);
  expect(tested.stdout + tested.stderr).toContain('1 passed');
  expect(tested.status).toBe(0);
  git('add', '--all');
  const touched = git('diff', '--cached', '--name-only').trim().split('\n');
  expect(touched.toSorted()).toEqual(Object.values(files).toSorted());
  const added = git('diff', '--cached', '--numstat', files.index).split('\t').slice(0, 2);
  expect(added).toEqual(['2', '0']);
});

test('it is in the bundle of its queue, and nothing else of the infrastructure has changed', async () => {
  const after = await synthesise('after');
  const says = (bundle: string): boolean =>
    bundle.includes("in the tenant's inbox: upload it first") && bundle.includes('ingest.measure');
  expect(before.bundles.filter((bundle) => bundle.includes('ingest.measure'))).toEqual([]);
  expect(after.bundles.filter(says)).toHaveLength(1);
  expect(after.bundles).toHaveLength(before.bundles.length);
  // Environments, permissions, queues, alarms: a task on a queue that has a consumer needs none of its own.
  expect(after.template).toEqual(before.template);
});

test('it is on the page of the catalogue, which was stale until then', async () => {
  const page = at('docs/catalogue.md');
  expect(await run('bin/catalogue-page.ts', '--check')).toMatchObject({ status: 1 });
  const old = readFileSync(page, 'utf8');
  expect(await run('bin/catalogue-page.ts')).toMatchObject({ status: 0 });
  const added = readFileSync(page, 'utf8')
    .split('\n')
    .filter((line) => !old.split('\n').includes(line));
  expect(added).toHaveLength(1);
  expect(added[0]).toMatch(
    /^\| `ingest\.measure` \| `ingestion` \| Measures a file in the inbox: .* \| reads \| hold \|/,
  );
  expect(await run('bin/catalogue-page.ts', '--check')).toMatchObject({ status: 0 });
});

test('it runs on the local plane, asked for by an operator', async () => {
  // In a folder that git ignores: the copy's own modules know the task, this process's do not.
  write('.alphaswarm/try.ts', onThePlane);
  const tried = await run('.alphaswarm/try.ts', at('.alphaswarm/after'), at('.alphaswarm/plane'));
  expect(tried.stderr).toBe('');
  expect(JSON.parse(tried.stdout)).toEqual({
    state: 'succeeded',
    attempt: 1,
    queue: 'ingestion',
    result: { sizeBytes: 4711 },
  });
});

test('with the page written anew the unit and architecture tests still pass: none lists the tasks by hand', async () => {
  // Not the template's: its bundles name their sources from the copy, and the copy's packages are a link. It is compared above.
  const kinds = ['unit', 'architecture'].flatMap((kind) => ['--project', kind]);
  const file = '.alphaswarm/report.json';
  await run(tool('vitest'), 'run', '--reporter', 'json', '--outputFile', file, ...kinds);
  const report = JSON.parse(readFileSync(at(file), 'utf8')) as {
    numTotalTests: number;
    testResults: { name: string; status: string }[];
  };
  expect(report.testResults.filter(({ status }) => status !== 'passed').map(({ name }) => name)).toEqual([]);
  expect(report.numTotalTests).toBeGreaterThan(300);
});

// `npm run localstack` as a person runs it, beside `npm run demo`: the same document, from a deployment by the real CDK.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest';
import { findPython, noPython } from '#localstack/run/python.ts';
import type { RunLog } from '#localstack/run/run-log.ts';
import { measured } from '#test/fault/support/measured.ts';
import { leftovers, startNode, type Ended } from './support/child.ts';
import { copyTree, type Copy } from './support/copy.ts';
import { demoOnce } from './support/demo.ts';
import { isMinutely } from './support/minutely.ts';
import { skipped } from './support/skipped.ts';

interface Document {
  readonly runs: readonly { readonly schedule: string; readonly state: string; readonly code?: string }[];
  readonly ingest: Readonly<Record<string, unknown>> & { readonly files: readonly string[] };
  readonly halt: Readonly<Record<string, unknown>>;
  readonly backtest?: Readonly<Record<string, unknown>>;
}

const python = findPython();
let copy: Copy;
let ended: Ended;
let left: ReturnType<typeof leftovers>;
let log: RunLog;

beforeAll(async () => {
  if (!python) return;
  copy = copyTree();
  ended = await startNode(['bin/localstack.ts', '--json'], { cwd: copy.dir }).ended;
  left = leftovers(ended);
  measured('npm run localstack, synthesis included', ended.tookMs / 1000, 's');
  if (ended.status !== 0) throw new Error(`it ended with status ${ended.status}:\n${ended.stderr}`);
  log = JSON.parse(readFileSync(join(copy.dir, '.alphaswarm', 'localstack', 'run-log.json'), 'utf8')) as RunLog;
}, 400_000);
afterAll(() => copy?.remove());

function needsPython(ctx: TestContext): void {
  if (!python) skipped(ctx, noPython);
}

/** What does not depend on when, where and how fast a demo is run. */
function facts({ runs, ingest, halt, backtest }: Document): unknown {
  const { rowsIn, rowsSilver, rowsQuarantined, duplicates, gaps, quality, files } = ingest;
  const states = new Set(
    runs
      .filter(({ schedule }) => isMinutely(schedule))
      .map(({ schedule, state, code }) => `${schedule} ${state} ${code ?? ''}`),
  );
  return {
    states: [...states].toSorted(),
    ingest: { rowsIn, rowsSilver, rowsQuarantined, duplicates, gaps, quality },
    files: files.map((file) => file.split('/').at(-1) ?? '').toSorted(),
    halt: { epoch: halt['epoch'], heldState: halt['heldState'], finalState: halt['finalState'] },
    backtest: backtest && { strategy: backtest['strategy'], metrics: backtest['metrics'] },
  };
}

test('the demo on LocalStack ends with the document that it ends with on the local plane', async (ctx) => {
  needsPython(ctx);
  const told = JSON.parse(ended.stdout) as Document;
  const other = await demoOnce();
  if (other.status !== 0) throw new Error(`npm run demo ended with status ${other.status}:\n${other.stderr}`);
  const demo = JSON.parse(other.stdout) as Document;
  expect(Object.keys(told)).toEqual(Object.keys(demo));
  expect(facts(told)).toEqual(facts(demo));
  expect(told.ingest).toMatchObject({ rowsIn: 5105, rowsSilver: 5105, rowsQuarantined: 0 });
  expect(log.result).toEqual(told);
}, 240_000);

test('the log has what was made, and what was skipped with what fills the hole', (ctx) => {
  needsPython(ctx);
  const types = new Set(log.created.map(({ type }) => type));
  for (const type of ['AWS::SQS::Queue', 'AWS::Lambda::Function', 'AWS::DynamoDB::Table', 'AWS::Scheduler::Schedule'])
    expect(types).toContain(type);
  expect(log.created.filter(({ status }) => status !== 'CREATE_COMPLETE')).toEqual([]);
  expect(log.created.filter(({ physicalId }) => physicalId === 'unknown')).toEqual([]);
  const fates = new Set(log.skipped.map(({ type, fate }) => `${type} ${fate}`));
  expect(fates).toContain('AWS::Scheduler::Schedule idle');
  for (const { filledBy } of [...log.skipped, ...log.missing]) expect(filledBy).not.toBe('');
  expect(ended.stderr).toContain('What it does not do, and what fills the hole:');
});

test('LocalStack, Valkey and the run itself listened on loopback only', (ctx) => {
  needsPython(ctx);
  // Three of ours at least, LocalStack and Valkey.
  expect(log.listeners.length).toBeGreaterThanOrEqual(5);
  expect(log.listeners.filter(({ host }) => host !== '127.0.0.1')).toEqual([]);
});

test('after its end no process of it lives and nobody listens on its ports', (ctx) => {
  needsPython(ctx);
  expect(ended.pids.length).toBeGreaterThanOrEqual(4);
  expect(left).toEqual({ pids: [], ports: [] });
});

test('SIGTERM in the middle of the deployment leaves nothing behind', async (ctx) => {
  needsPython(ctx);
  const running = startNode(['bin/localstack.ts', '--json'], { cwd: copy.dir });
  const deadlineMs = Date.now() + 90_000;
  while (!running.stderr().includes('LocalStack 4.14.0 answers')) {
    if (Date.now() > deadlineMs) throw new Error(`LocalStack did not answer:\n${running.stderr()}`);
    await sleep(50);
  }
  // Into the bootstrap: the CDK runs, too.
  await sleep(1_500);
  running.process.kill('SIGTERM');
  const killed = await running.ended;
  await sleep(500);
  expect(killed).toMatchObject({ status: 130, stdout: '' });
  expect(killed.pids.length).toBeGreaterThanOrEqual(3);
  expect(leftovers(killed)).toEqual({ pids: [], ports: [] });
}, 120_000);

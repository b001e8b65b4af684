// Another program's opinion of the gateway: schemathesis reads /openapi.json of a running local plane and tries each
// operation with requests that fit their schema, that just do and that do not, as several operators, as a viewer and as
// nobody. Every check that it knows is on. What the interface asks beyond its schemas stands in schemathesis/hooks.py.
//
// A caller has a share of requests a second, which is not widened here: several operators look at once, each within
// theirs. What halts the plane comes last, since a halted one answers 423 where another would do something.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test, type TestContext } from 'vitest';
import { taskNames } from '#core/catalogue/tasks.ts';
import { pythonEnvironment } from '#bench/python-environment.ts';
import { localToken } from '#local/identity/token.ts';
import { startPlane, type Plane } from '#local/plane.ts';
import { lineOf, look, type Outcome, type Pass, type Target } from './schemathesis/pass.ts';
import { skipped } from './support/skipped.ts';

let found: ReturnType<typeof pythonEnvironment> = { reason: 'it was not looked for' };
let folder = '';
let plane: Plane | undefined;
beforeAll(async () => {
  found = pythonEnvironment('schemathesis', new URL('schemathesis/requirements.lock', import.meta.url));
  if ('reason' in found) return;
  folder = mkdtempSync(join(tmpdir(), 'alphaswarm-schemathesis-'));
  plane = await startPlane({ assemblyDir: inject('assemblyDir'), dataDir: join(folder, 'plane'), clock: 'wall' });
  // It is the gateway that is looked at: backtests wait, as they do when Fargate has nothing left.
  for (const provider of ['FARGATE', 'FARGATE_SPOT']) plane.tasks.faults.refuseCapacity(provider);
}, 400_000);
afterAll(async () => {
  await plane?.stop();
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
});

const backtest = { data: { dataset: 'none' }, strategy: { name: 'sma-cross' } };
const pull = { connector: 'csv', dataset: 'none', source: { key: 'none.csv' } };
const event = { type: 'run.succeeded', timestamp: '2026-01-05T12:00:00Z', data: {} };
const callback = { url: 'http://localhost/none', secret: 'webhooks/none', event };
const own: Readonly<Record<string, unknown>> = {
  'backtest.run': backtest,
  'ingest.pull': pull,
  'callback.deliver': callback,
};

function targetOf({ endpoints, resources }: Plane, program: string): Target {
  const bucket = resources.buckets.find(({ name }) => name.includes('artefacts'))?.name ?? '';
  return {
    program,
    gateway: endpoints.gateway,
    inbox: `${endpoints.s3}/${bucket}/inbox/local`,
    payloads: Object.fromEntries(taskNames.map((task) => [task, own[task] ?? {}])),
    folder,
  };
}

const tokenOf = (role: string, user: string): Promise<string> =>
  localToken({ issuer: plane?.endpoints.issuers[0] ?? '', role, user, acr: 'high' });
const operations = (...ids: string[]): string[] => ids.flatMap((id) => ['--include-operation-id', id]);
const each = ['--phases', 'examples,coverage,fuzzing', '--max-examples', '10'];
/** Of 20 writes and 50 reads a second that one caller has. */
const [writes, reads] = [18, 45];

const clear = async (): Promise<Pass[]> => [
  {
    name: 'starting runs',
    token: await tokenOf('operator', 'olga'),
    rate: writes,
    args: [...each, ...operations('startRun')],
  },
  {
    name: 'shortcuts, changing runs, uploads',
    token: await tokenOf('operator', 'oscar'),
    rate: writes,
    args: [
      ...each,
      ...operations(
        'startBacktestRun',
        'startIngestPull',
        'cancelRun',
        'retryRun',
        'retryRuns',
        'openUpload',
        'openTicket',
      ),
    ],
  },
  {
    name: 'schedules, queues',
    token: await tokenOf('operator', 'otto'),
    rate: writes,
    args: [...each, ...operations('pauseSchedule', 'resumeSchedule', 'triggerSchedule', 'redriveQueue')],
  },
  {
    name: 'reading',
    token: await tokenOf('operator', 'odile'),
    rate: reads,
    args: [...each, '--include-method', 'GET'],
  },
];

/** Said of all, since it leaves some out where nothing is said. */
const all = ['--include-path-regex', '.'];
const short = [...all, '--phases', 'fuzzing', '--max-examples', '4'];
const halting = async (): Promise<Pass[]> => [
  {
    name: 'halt',
    token: await tokenOf('operator', 'olga'),
    rate: writes,
    args: [...each, ...operations('engageHalt', 'releaseHalt')],
  },
  {
    name: 'kill switch',
    token: await tokenOf('operator', 'oscar'),
    rate: writes,
    args: [...each, ...operations('engageKillSwitch', 'releaseKillSwitch')],
  },
  {
    name: 'one after the other',
    token: await tokenOf('operator', 'otto'),
    rate: writes,
    args: [...all, '--phases', 'stateful', '--max-examples', '10'],
  },
  { name: 'as a researcher', token: await tokenOf('researcher', 'anna'), rate: writes, args: short },
  { name: 'as a viewer', token: await tokenOf('viewer', 'victor'), rate: writes, args: short },
  { name: 'as nobody', rate: reads, args: short },
];

async function looked(ctx: TestContext, passes: () => Promise<Pass[]>): Promise<Outcome[]> {
  if ('reason' in found) skipped(ctx, found.reason);
  if (!plane) throw new Error('there is no plane');
  const target = targetOf(plane, `${found.bin}/schemathesis`);
  const outcomes = await Promise.all((await passes()).map((pass) => look(target, pass)));
  // oxlint-disable-next-line no-console
  for (const outcome of outcomes) console.log(`schemathesis, ${lineOf(outcome)}`);
  return outcomes;
}

/** Nothing found, nothing that it could not do, and nothing that it had to guess at. */
function expectNothing(outcomes: readonly Outcome[]): void {
  for (const { name, failures, errors, exitCode, complete, warnings, said } of outcomes) {
    expect({ failures, errors, exitCode }, `${name}: ${said}`).toEqual({ failures: [], errors: [], exitCode: 0 });
    expect(complete).toBe(true);
    expect(warnings['unsupported_regex']).toEqual([]);
    expect(warnings['rate_limited']).toEqual([]);
  }
}
const sum = (outcomes: readonly Outcome[]): number =>
  outcomes.reduce((all, { operations: { tested } }) => all + tested, 0);

interface Document {
  readonly paths: Record<string, object>;
}
let first: readonly Outcome[] = [];
test('every operation of a plane that is clear answers as /openapi.json says', async (ctx) => {
  first = await looked(ctx, clear);
  expectNothing(first);
}, 600_000);

test('halting, one request after another, and those who may not: as /openapi.json says', async (ctx) => {
  const second = await looked(ctx, halting);
  expectNothing(second);
  const document = (await (await fetch(`${plane?.endpoints.gateway}/openapi.json`)).json()) as Document;
  const count = Object.values(document.paths).flatMap(Object.keys).length;
  // Each operation has had its own turn, and every one of them somebody who may not.
  expect(sum([...first, ...second.slice(0, 2)])).toBe(count);
  expect(second.slice(3).map(({ operations: { tested } }) => tested)).toEqual([count, count, count]);
}, 600_000);

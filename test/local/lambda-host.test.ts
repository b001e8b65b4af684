import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { PlaneOptions } from '#local/plane.ts';
import { lambda, role } from '#test/local/fixtures/assembly.ts';
import { plane, until, type TestPlane } from '#test/local/fixtures/plane.ts';

async function oneFunction(
  code: string,
  properties: Record<string, unknown> = {},
  options: Partial<PlaneOptions> = {},
): Promise<TestPlane> {
  const resources = { Role: role, Worker: lambda({ FunctionName: 'worker', ...properties }) };
  return plane({ resources, code: { Worker: code } }, options);
}

/** The state letter of a process, as ps shows it: T is stopped. */
function stateOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0];
  } catch {
    return undefined;
  }
}

const firstPid = (running: TestPlane): number => running.lambdas.environments()[0]?.pid ?? -1;

test('an invocation leaves START, its own lines in order, END and REPORT, and only the first pays for the start', async () => {
  const running = await oneFunction(
    `export const handler = async (n) => { for (let i = 0; i < 2_000; i++) console.log(n + ':' + i + ' '.repeat(500)); console.error('on stderr'); return n; };`,
  );
  const first = await running.lambdas.invoke('worker', 'a');
  const second = await running.lambdas.invoke('worker', 'b');
  expect([first.result, second.result]).toEqual(['a', 'b']);
  const log = running.told('log').filter(({ requestId }) => requestId === second.requestId);
  expect(log.filter(({ line }) => line.startsWith('b:')).map(({ line }) => line.trimEnd())).toEqual(
    Array.from({ length: 2_000 }, (_, i) => `b:${i}`),
  );
  expect(log.map(({ line }) => line)).toContain('on stderr');
  expect(log[0]?.line).toBe(`START RequestId: ${second.requestId} Version: $LATEST`);
  expect(log.at(-2)?.line).toBe(`END RequestId: ${second.requestId}`);
  expect(log.at(-1)?.line).toMatch(
    /^REPORT RequestId: [0-9a-f-]+\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB$/,
  );
  const reports = running.told('log').filter(({ line }) => line.startsWith('REPORT'));
  expect(reports[0]?.line).toMatch(/Init Duration: [\d.]+ ms$/);
});

test('an environment is frozen between invocations: its timers stand still', async () => {
  const running = await oneFunction(
    `let ticks = 0; setInterval(() => { ticks += 1; }, 10); export const handler = async () => ticks;`,
  );
  const { result: before } = await running.lambdas.invoke('worker', {});
  const pid = firstPid(running);
  await until('the process is stopped', () => stateOf(pid) === 'T');
  await sleep(500);
  const { result: after } = await running.lambdas.invoke('worker', {});
  expect(firstPid(running)).toBe(pid);
  // 500 ms awake would have been some fifty ticks.
  expect(Number(after) - Number(before)).toBeLessThan(10);
});

test('at its timeout an invocation is killed with the line that Lambda writes, and the next has a new environment', async () => {
  const running = await oneFunction(`export const handler = async (wait) => { if (wait) for (;;); return 'done'; };`, {
    Timeout: 1,
  });
  await running.lambdas.invoke('worker', false);
  const pid = firstPid(running);
  const result = await running.lambdas.invoke('worker', true);
  expect(result).toMatchObject({ outcome: 'timeout', error: { errorMessage: 'Task timed out after 1.00 seconds' } });
  expect(result.durationMs).toBeGreaterThanOrEqual(990);
  expect(result.durationMs).toBeLessThan(5_000);
  expect(running.lines().at(-1)).toMatch(new RegExp(`Z ${result.requestId} Task timed out after 1.00 seconds$`));
  expect(stateOf(pid)).toBeUndefined();
  expect(await running.lambdas.invoke('worker', false)).toMatchObject({ outcome: 'success', result: 'done' });
  expect(running.told('environment-ended')).toMatchObject([{ pid, how: 'timeout' }]);
});

test('an environment killed in the middle of an invocation is a crash of that invocation and of no other', async () => {
  const running = await oneFunction(
    `import { setTimeout } from 'node:timers/promises'; export const handler = async (ms) => { console.log('begun'); await setTimeout(ms); return 'done'; };`,
  );
  const slow = running.lambdas.invoke('worker', 60_000);
  await until('the invocation runs', () => running.lines().includes('begun'));
  const pid = running.lambdas.killInFlight('worker');
  const result = await slow;
  expect(result).toMatchObject({ outcome: 'crash', error: { errorType: 'Runtime.ExitError' } });
  expect(result.error?.errorMessage).toBe('Runtime exited with error: signal: SIGKILL');
  expect(running.told('environment-ended')).toMatchObject([{ pid, how: 'killed' }]);
  expect(await running.lambdas.invoke('worker', 0)).toMatchObject({ outcome: 'success' });
  expect(running.lambdas.killInFlight('worker')).toBeUndefined();
});

test('environments run side by side up to the reserved concurrency, and further invocations wait their turn', async () => {
  const running = await oneFunction(
    `import { setTimeout } from 'node:timers/promises'; export const handler = async () => { const from = Date.now(); await setTimeout(300); return [process.pid, from, Date.now()]; };`,
    { ReservedConcurrentExecutions: 2 },
  );
  const results = await Promise.all([1, 2, 3, 4].map(() => running.lambdas.invoke('worker', {})));
  const spans = results.map(({ result }) => result as [number, number, number]);
  expect(new Set(spans.map(([pid]) => pid)).size).toBe(2);
  for (const [, from] of spans)
    expect(spans.filter(([, begin, end]) => begin <= from && from < end).length).toBeLessThanOrEqual(2);
  expect(running.lambdas.environments()).toHaveLength(2);
});

test('what the handler throws is an error with its type, message and stack, and the environment lives on', async () => {
  const running = await oneFunction(
    `class Odd extends Error { name = 'OddError' } export const handler = async () => { throw new Odd('no luck'); };`,
  );
  const result = await running.lambdas.invoke('worker', {});
  expect(result).toMatchObject({ outcome: 'error', error: { errorType: 'OddError', errorMessage: 'no luck' } });
  expect(running.lines()[0]).toContain('ERROR\tInvoke Error\t{"errorType":"OddError","errorMessage":"no luck"');
  const pid = firstPid(running);
  await running.lambdas.invoke('worker', {});
  expect(firstPid(running)).toBe(pid);
});

test.each([
  ['a bundle that throws while it loads', `throw new RangeError('bad start')`, 'RangeError', 'bad start'],
  [
    'a bundle without the handler',
    'export const other = 1',
    'Runtime.HandlerNotFound',
    'index.handler is undefined or not exported',
  ],
  [
    'a handler with a callback',
    'export const handler = (a, b, c) => c()',
    'Runtime.CallbackHandlerDeprecated',
    'return a promise',
  ],
])('%s is an init error, and is tried anew each time', async (...row) => {
  const [, code, errorType, message] = row;
  const running = await oneFunction(code);
  const result = await running.lambdas.invoke('worker', {});
  expect(result).toMatchObject({
    outcome: 'init-error',
    error: { errorType, errorMessage: expect.stringContaining(message) },
  });
  expect(running.lambdas.environments()).toEqual([]);
  expect((await running.lambdas.invoke('worker', {})).outcome).toBe('init-error');
  expect(running.told('environment-started')).toHaveLength(2);
});

test('an error outside the handler ends the environment, and the invocation it hit has crashed', async () => {
  const running = await oneFunction(
    `export const handler = () => new Promise(() => { setTimeout(() => { throw new Error('stray'); }, 10); });`,
  );
  const result = await running.lambdas.invoke('worker', {});
  expect(result).toMatchObject({
    outcome: 'crash',
    error: { errorMessage: 'Runtime exited with error: exit status 1' },
  });
  expect(running.lines().join('\n')).toContain('stray');
});

test('no function can reach past this machine, by whatever client', async () => {
  const running = await oneFunction(`
    import { connect } from 'node:net';
    import { get } from 'node:https';
    const failed = (emitter) => new Promise((resolve) => emitter.on('error', resolve).on('connect', resolve));
    export const handler = async () => {
      const errors = [
        await fetch('https://sqs.us-east-1.amazonaws.com/').catch((error) => error.cause),
        await failed(get('https://example.org/')),
        await failed(connect(80, '169.254.169.254')),
        await failed(connect({ host: '10.0.0.1', port: 80 })),
      ];
      return errors.map((error) => error?.code + ' ' + error?.message);
    };`);
  const { result } = await running.lambdas.invoke('worker', {});
  const refused = (host: string): string =>
    `ERR_NOT_LOOPBACK The local plane refused a connection to ${host}: only this machine is reachable (ALPHASWARM_LOCAL=1).`;
  expect(result).toEqual(['sqs.us-east-1.amazonaws.com', 'example.org', '169.254.169.254', '10.0.0.1'].map(refused));
});

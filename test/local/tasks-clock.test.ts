// Executors and what lasts longer than they: the driven clock, and the plane itself.
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder, writeAssembly } from '#test/local/fixtures/assembly.ts';
import { fleet, fleetPlane, runTask, started, waiting } from '#test/local/fixtures/ecs.ts';
import { until } from '#test/local/fixtures/plane.ts';
import { isAlive } from '#test/local/fixtures/processes.ts';

test('a driven clock jumps over an executor that waits, and not over one that has work to take', async () => {
  const startAtMs = Date.parse('2026-11-20T12:00:00Z');
  const running = await fleetPlane({ source: waiting, options: { clock: 'driven', startAtMs } });
  await started(running);
  const hour = 3_600_000;
  await running.clock.advanceTo(startAtMs + hour);
  expect(running.clock.now() - startAtMs).toBeGreaterThanOrEqual(hour);
  await running.send('Work', 'a run');
  const jump = running.clock.advanceTo(startAtMs + 2 * hour, { signal: AbortSignal.timeout(300) });
  await expect(jump).rejects.toThrow();
  expect(running.clock.now() - startAtMs).toBeLessThan(2 * hour);
});

test('a driven clock does not jump while a slot of an executor holds a run, nor while the executor ends', async () => {
  const startAtMs = Date.parse('2026-11-20T12:00:00Z');
  const running = await fleetPlane({
    source:
      "process.on('SIGTERM', () => setTimeout(() => process.exit(0), 1500)); setInterval(() => {}, 1000); console.log('ready');",
    container: { Environment: [{ Name: 'CONTROL_TABLE', Value: { Ref: 'Control' } }] },
    options: { clock: 'driven', startAtMs },
  });
  const task = await started(running);
  const jump = (minutes: number, limitMs: number): Promise<void> =>
    running.clock.advanceTo(startAtMs + minutes * 60_000, { signal: AbortSignal.timeout(limitMs) });
  const client = new DynamoDBClient({
    region: 'us-east-1',
    endpoint: running.endpoints.dynamodb,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  onTestFinished(() => client.destroy());
  const slots = (first: { S: string } | { NULL: true }) =>
    client.send(
      new PutItemCommand({
        TableName: running.resources.tables[0]?.name,
        Item: { name: { S: `slot#${task}` }, rev: { N: '1' }, value: { M: { slots: { L: [first, { NULL: true }] } } } },
      }),
    );
  await slots({ S: 'run-1' });
  await expect(jump(5, 250)).rejects.toThrow();
  await slots({ NULL: true });
  await jump(5, 20_000);
  await running.stopTask(task);
  await expect(jump(10, 250)).rejects.toThrow();
  await running.untilStopped(task);
  await jump(10, 20_000);
  expect(running.clock.now() - startAtMs).toBeGreaterThanOrEqual(600_000);
});

test('stop() ends every task', async () => {
  const running = await fleetPlane({ source: waiting });
  const task = await started(running);
  const pid = running.tasks.pidOf(task);
  await running.stop();
  expect(isAlive(pid)).toBe(false);
  expect(running.tasks.list()[0]).toMatchObject({ lastStatus: 'STOPPED', stopCode: 'UserInitiated', exitCode: 0 });
});

test('no container outlives a plane that was killed with SIGKILL', async () => {
  const assembly = writeAssembly({ resources: fleet(), images: { Task: { 'index.mjs': waiting } } });
  const program = fileURLToPath(new URL('fixtures/run-plane.ts', import.meta.url));
  const runner = spawn(process.execPath, [program, assembly, join(temporaryFolder(), 'plane')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void runner.kill('SIGKILL'));
  const told: Record<string, never>[] = [];
  createInterface({ input: runner.stdout }).on('line', (line) => told.push(JSON.parse(line) as Record<string, never>));
  await until('the plane is ready', () => told.some(({ type }) => type === 'ready'));
  const { endpoints } = told.find(({ type }) => type === 'ready') as unknown as { endpoints: { aws: string } };
  await fetch(endpoints.aws, {
    method: 'POST',
    headers: { 'x-amz-target': 'AmazonEC2ContainerServiceV20141113.RunTask' },
    body: JSON.stringify(runTask),
  });
  await until('the container speaks', () => told.some(({ type, line }) => type === 'task-log' && line === 'ready'));
  const { pid } = told.find(({ lastStatus }) => lastStatus === 'RUNNING') as unknown as { pid: number };
  expect(isAlive(pid)).toBe(true);
  runner.kill('SIGKILL');
  await until('the guardian has ended it', () => !isAlive(pid));
});

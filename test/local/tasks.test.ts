import {
  ConflictException,
  DescribeTasksCommand,
  ListTasksCommand,
  RunTaskCommand,
  type Task,
} from '@aws-sdk/client-ecs';
import { PutEventsCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '#test/local/fixtures/assembly.ts';
import { family, fleetPlane, runTask, started, waiting, type TestFleet } from '#test/local/fixtures/ecs.ts';
import { until } from '#test/local/fixtures/plane.ts';
import { isAlive } from '#test/local/fixtures/processes.ts';

const kicks = async (running: TestFleet) => {
  await until('the rule has sent', () => running.queueDepths()['kick.fifo']?.visible === 1);
  return (await running.receive('Kick')).map(({ Body, Attributes }) => [
    JSON.parse(Body ?? ''),
    Attributes?.['MessageGroupId'],
  ]);
};

test('a task runs the command of its definition in the folder of its image, with that environment and no other', async () => {
  const running = await fleetPlane({
    source: 'console.log(JSON.stringify({ variables: process.env, cwd: process.cwd(), node: process.version }));',
  });
  const [task = ''] = await running.run();
  await running.untilStopped(task);
  const { variables, cwd, node } = JSON.parse(running.taskLines()[0] ?? '') as Record<string, never>;
  expect(cwd).toBe(running.resources.taskDefinitions[0]?.container.imageDir);
  expect(node).toBe(process.version);
  const { endpoints } = running;
  const id = task.split('/').at(-1) ?? '';
  expect(variables).toEqual({
    QUEUE_URL_BACKTEST: `${endpoints.sqs}/000000000000/work`,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
    AWS_ACCESS_KEY_ID: expect.stringMatching(/^LOCAL/),
    AWS_SECRET_ACCESS_KEY: expect.any(String),
    AWS_ENDPOINT_URL: endpoints.aws,
    AWS_ENDPOINT_URL_SQS: endpoints.sqs,
    AWS_ENDPOINT_URL_S3: endpoints.s3,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoints.aws,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    ALPHASWARM_LOCAL: '1',
    ALPHASWARM_CLOCK_FILE: expect.stringMatching(/clock-offset-ms$/),
    ECS_CONTAINER_METADATA_URI_V4: `${endpoints.aws}/v4/${id}`,
    TMPDIR: expect.stringContaining(id),
    TZ: 'UTC',
    PATH: expect.any(String),
  });
});

test('a task learns who it is from the metadata endpoint, as on Fargate', async () => {
  const running = await fleetPlane({
    source:
      "const page = await fetch(process.env.ECS_CONTAINER_METADATA_URI_V4 + '/task'); console.log(await page.text());",
  });
  const [task = ''] = await running.run();
  await running.untilStopped(task);
  expect(JSON.parse(running.taskLines()[0] ?? '')).toMatchObject({
    Cluster: 'arn:aws:ecs:us-east-1:000000000000:cluster/executors',
    TaskARN: task,
    Family: family,
    Revision: '1',
    KnownStatus: 'RUNNING',
    LaunchType: 'FARGATE',
    Limits: { CPU: 1, Memory: 2048 },
  });
});

test('what a container starts is refused the outside, as its code is', async () => {
  const running = await fleetPlane({
    source: `
      import { fork } from 'node:child_process';
      if (process.argv[2] === 'child') fetch('http://192.0.2.1/').catch((error) => console.log(error.cause.code));
      else fork(process.argv[1], ['child']).on('exit', () => process.exit(0));
    `,
  });
  const [task = ''] = await running.run();
  await running.untilStopped(task);
  expect(running.taskLines()).toEqual(['ERR_NOT_LOOPBACK']);
});

test('StopTask is SIGTERM: a process that honours it ends with its own exit code, and lines and file hold its last words', async () => {
  const running = await fleetPlane({ source: waiting });
  const task = await started(running);
  await running.stopTask(task, 'enough');
  await running.untilStopped(task);
  expect(running.taskLines()).toEqual(['ready', 'told to end']);
  expect(running.statesOf(task)).toEqual([
    'PROVISIONING',
    'PENDING',
    'RUNNING',
    'RUNNING',
    'DEPROVISIONING',
    'STOPPED',
  ]);
  const [known] = running.tasks.list();
  expect(known).toMatchObject({ stopCode: 'UserInitiated', stoppedReason: 'enough', exitCode: 0 });
});

test('a process that does not hear SIGTERM is killed after the stop time-out, with all that it has started', async () => {
  const running = await fleetPlane({
    source: `
      import { spawn } from 'node:child_process';
      process.on('SIGTERM', () => console.log('not now'));
      const child = spawn('sleep', ['600'], { stdio: 'ignore' });
      setInterval(() => {}, 1000);
      console.log('ready');
    `,
    options: { stopTimeoutMs: 300 },
  });
  const task = await started(running);
  const [child = -1] = running.tasks.childrenOf(task);
  const pid = running.tasks.pidOf(task);
  expect([isAlive(pid), isAlive(child)]).toEqual([true, true]);
  const sinceMs = performance.now();
  await running.stopTask(task);
  await running.untilStopped(task);
  expect(performance.now() - sinceMs).toBeGreaterThan(290);
  expect(running.taskLines()).toEqual(['ready', 'not now']);
  expect(running.tasks.list()[0]?.exitCode).toBe(137);
  await until('the child has ended too', () => !isAlive(child) && !isAlive(pid));
});

test('the end of the first process is the end of its children', async () => {
  const running = await fleetPlane({
    source: `
      import { spawn } from 'node:child_process';
      console.log(spawn('sleep', ['600'], { stdio: 'ignore' }).pid);
      setTimeout(() => process.exit(3), 100);
    `,
  });
  const [task = ''] = await running.run();
  await running.untilStopped(task);
  const child = Number(running.taskLines()[0]);
  expect(child).toBeGreaterThan(0);
  await until('the child has ended', () => !isAlive(child));
  expect(running.tasks.list()[0]).toMatchObject({
    exitCode: 3,
    stopCode: 'EssentialContainerExited',
    stoppedReason: 'Essential container in task exited',
  });
});

test('state changes are events in the shape of ECS, and the rule makes of the last one a kick of its family', async () => {
  const running = await fleetPlane({ source: waiting });
  const task = await started(running);
  running.tasks.kill(task, 'SIGKILL');
  await running.untilStopped(task);
  const told = running.events().filter(({ source }) => source === 'aws.ecs');
  expect(told.map(({ bus, detailType, resources }) => [bus, detailType, resources])).toEqual(
    told.map(() => ['default', 'ECS Task State Change', [task]]),
  );
  const details = told.map(({ detail }) => detail as Record<string, unknown>);
  expect(details.map(({ lastStatus, desiredStatus, version }) => [lastStatus, desiredStatus, version])).toEqual([
    ['PROVISIONING', 'RUNNING', 1],
    ['PENDING', 'RUNNING', 2],
    ['RUNNING', 'RUNNING', 3],
    ['DEPROVISIONING', 'STOPPED', 4],
    ['STOPPED', 'STOPPED', 5],
  ]);
  expect(details.at(-1)).toMatchObject({
    taskArn: task,
    clusterArn: 'arn:aws:ecs:us-east-1:000000000000:cluster/executors',
    taskDefinitionArn: `arn:aws:ecs:us-east-1:000000000000:task-definition/${family}:1`,
    group: `family:${family}`,
    capacityProviderName: 'FARGATE_SPOT',
    launchType: 'FARGATE',
    stopCode: 'EssentialContainerExited',
    stoppedReason: 'Essential container in task exited',
    containers: [{ name: 'executor', lastStatus: 'STOPPED', exitCode: 137, taskArn: task }],
    createdAt: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/),
    startedAt: expect.any(String),
    stoppedAt: expect.any(String),
  });
  expect(await kicks(running)).toEqual([
    [
      {
        v: 1,
        family: 'backtest',
        cause: 'stopped',
        task,
        stopCode: 'EssentialContainerExited',
        reason: 'Essential container in task exited',
      },
      'backtest',
    ],
  ]);
});

test('a Spot interruption is told before the process is, and is the reason of the end', async () => {
  const running = await fleetPlane({ source: waiting });
  const task = await started(running);
  await running.tasks.spotInterrupt(task);
  await running.untilStopped(task);
  expect(running.taskLines()).toEqual(['ready', 'told to end']);
  const warned = running
    .events()
    .map(({ detail }) => detail as Record<string, unknown>)
    .find(({ desiredStatus }) => desiredStatus === 'STOPPED');
  expect(warned).toMatchObject({ lastStatus: 'RUNNING', stopCode: 'SpotInterruption' });
  const [[body] = []] = await kicks(running);
  expect(body).toMatchObject({ stopCode: 'SpotInterruption', reason: 'Your Spot Task was interrupted.' });
});

test('a client token stands for the tasks that it has started: the same call again starts none, another call is a conflict', async () => {
  const running = await fleetPlane({ source: waiting });
  const first = await running.run({ clientToken: 'decision-1', count: 2 });
  expect(await running.run({ clientToken: 'decision-1', count: 2 })).toEqual(first);
  expect(running.tasks.list()).toHaveLength(2);
  const conflict = await running.run({ clientToken: 'decision-1', count: 3 }).catch((error: unknown) => error);
  expect(conflict).toBeInstanceOf(ConflictException);
  expect((conflict as ConflictException).resourceIds).toEqual(first);
  expect(await running.run({ clientToken: 'decision-2' })).toHaveLength(1);
});

test('capacity that is refused is a failure without tasks, and the token of that call is still free', async () => {
  const running = await fleetPlane({ source: waiting });
  const { faults } = running.tasks;
  faults.refuseCapacity('FARGATE_SPOT');
  const call = { ...runTask, clientToken: 'decision-1' };
  const { tasks, failures } = await running.ecs.send(new RunTaskCommand(call));
  expect(tasks).toEqual([]);
  expect(failures?.[0]?.reason).toMatch(/^Capacity is unavailable at this time/);
  const onDemand = { ...runTask, capacityProviderStrategy: [{ capacityProvider: 'FARGATE' }] };
  expect(await running.run(onDemand)).toHaveLength(1);
  faults.restoreCapacity('FARGATE_SPOT');
  expect(await running.run(call)).toHaveLength(1);
});

test('RunTask is throttled, and tasks fail to start, as often as a test says', async () => {
  const running = await fleetPlane({ source: waiting });
  running.tasks.faults.throttle(1);
  await expect(running.run()).rejects.toMatchObject({ name: 'ThrottlingException' });
  running.tasks.faults.failToStart(1);
  const [unlucky = '', lucky = ''] = await running.run({ count: 2 });
  await running.untilStopped(unlucky);
  await running.untilRunning(lucky);
  expect(running.statesOf(unlucky)).toEqual(['PROVISIONING', 'PENDING', 'DEPROVISIONING', 'STOPPED']);
  const [[body] = []] = await kicks(running);
  expect(body).toMatchObject({
    task: unlucky,
    stopCode: 'TaskFailedToStart',
    reason: expect.stringMatching(/^CannotPull/),
  });
});

test('tasks are listed and described; a cluster, a definition, a provider or a parameter that is not there is named', async () => {
  const running = await fleetPlane({ source: waiting });
  const task = await started(running);
  const list = async (desiredStatus?: 'RUNNING' | 'STOPPED') =>
    (await running.ecs.send(new ListTasksCommand({ cluster: 'executors', family, desiredStatus }))).taskArns;
  expect([await list(), await list('STOPPED')]).toEqual([[task], []]);
  const { tasks: found = [], failures } = await running.ecs.send(
    new DescribeTasksCommand({ cluster: 'executors', tasks: [task, 'gone'] }),
  );
  const [described] = found as [Task];
  expect([described.lastStatus, described.group, described.startedAt instanceof Date]).toEqual([
    'RUNNING',
    `family:${family}`,
    true,
  ]);
  expect(failures).toEqual([{ arn: 'gone', reason: 'MISSING' }]);
  await expect(running.run({ cluster: 'other' })).rejects.toMatchObject({ name: 'ClusterNotFoundException' });
  await expect(running.run({ taskDefinition: 'other' })).rejects.toMatchObject({ name: 'ClientException' });
  await expect(running.run({ capacityProviderStrategy: [{ capacityProvider: 'EC2' }] })).rejects.toThrow(/EC2/);
  await expect(running.run({ count: 11 })).rejects.toThrow(/RunTask\.count/);
  await expect(running.run({ enableExecuteCommand: true })).rejects.toThrow(/enableExecuteCommand/);
  await expect(running.stopTask('gone')).rejects.toThrow(/not found/);
});

test('events that functions put are matched too, but nobody speaks for AWS', async () => {
  const running = await fleetPlane({ source: waiting });
  const client = new EventBridgeClient({
    region: 'us-east-1',
    endpoint: running.endpoints.aws,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  onTestFinished(() => client.destroy());
  const forged = { Source: 'aws.ecs', DetailType: 'ECS Task State Change', Detail: '{"lastStatus":"STOPPED"}' };
  const { Entries } = await client.send(new PutEventsCommand({ Entries: [forged] }));
  expect(Entries?.[0]?.ErrorCode).toBe('NotAuthorizedForSourceException');
  expect(running.events()).toEqual([]);
});

test('the lines of a task are in its log file, and its metrics among those of functions', async () => {
  const emf = {
    _aws: {
      Timestamp: 1,
      CloudWatchMetrics: [{ Namespace: 'N', Dimensions: [[]], Metrics: [{ Name: 'Done', Unit: 'Count' }] }],
    },
    Done: 7,
  };
  const dataDir = join(temporaryFolder(), 'plane');
  const running = await fleetPlane({
    source: `console.log(${JSON.stringify(JSON.stringify(emf))});`,
    options: { dataDir },
  });
  const [task = ''] = await running.run();
  await running.untilStopped(task);
  const log = join(dataDir, 'tasks', `${task.split('/').at(-1)}.log`);
  await until('the file is written', () => readFileSync(log, 'utf8') === `${JSON.stringify(emf)}\n`);
  expect(running.metrics.series({ name: 'Done' })[0]?.points).toEqual([{ atMs: 1, value: 7 }]);
});

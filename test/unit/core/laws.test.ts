// Laws over the catalogue: what must hold for every row, of today and of tomorrow.
import { describe, expect, it } from 'vitest';
import { environmentNames } from '#core/catalogue/entry-environment.ts';
import { entryPoints } from '#core/catalogue/entry-points.ts';
import { limits } from '#core/catalogue/limits.ts';
import { logLines, metricNames, metrics, type MetricRow } from '#core/catalogue/metrics.ts';
import { queueNames, queueRow, queues, type QueueName } from '#core/catalogue/queues.ts';
import { redisChannels, redisKeys, redisName, type RedisKeyRow } from '#core/catalogue/redis-keys.ts';
import { cadences, scheduleKeys, scheduleRow } from '#core/catalogue/schedules.ts';
import { inhabitedQueues, taskContract, taskNames, tasks } from '#core/catalogue/tasks.ts';
import { parseCron, slotsAfter } from '#core/cron.ts';
import { days, hours, minutes, seconds, toMs } from '#core/duration.ts';
import { maximumAttempts } from '#core/retry.ts';
import { mutatingMethods } from '#core/ports.ts';

/** The tables of docs/aws, row by row: kind, group, timeout, memory or size, batch, concurrency, warm in production. */
const light: Record<
  string,
  [
    kind: string,
    group: string,
    timeoutS: number,
    memoryMb: number,
    batch: number,
    minimum: number,
    maximum: number,
    warm: number,
  ]
> = {
  system: ['standard', 'queue', 50, 512, 5, 2, 4, 0],
  kick: ['fifo', 'family', 20, 512, 10, 2, 8, 0],
  progress: ['fifo', 'run', 20, 512, 10, 2, 8, 0],
  default: ['standard', 'tenant', 20, 512, 10, 2, 16, 1],
  paper: ['fifo', 'session', 10, 512, 5, 2, 16, 1],
  hft: ['fifo', 'queue', 10, 1024, 10, 1, 1, 1],
  workflows: ['standard', 'tenant', 20, 512, 10, 2, 16, 0],
  ingestion: ['standard', 'tenant', 720, 1024, 1, 2, 8, 0],
  terraform: ['fifo', 'workspace', 20, 512, 10, 2, 16, 0],
};
const heavy: Record<string, [vcpu: number, memoryGib: number, gpu: number, slots: number, capacity: string]> = {
  backtest: [2, 8, 0, 2, 'FARGATE_SPOT FARGATE'],
  factors: [2, 8, 0, 2, 'FARGATE_SPOT FARGATE'],
  rag: [2, 8, 0, 2, 'FARGATE_SPOT FARGATE'],
  ml: [4, 16, 0, 2, 'FARGATE_SPOT FARGATE'],
  agents: [1, 4, 0, 1, 'FARGATE'],
  training: [4, 16, 1, 1, 'MANAGED_GPU'],
};
const others = (name: QueueName) => queueNames.filter((other) => other !== name);

describe('the queues', () => {
  it("are the original's twelve, and the plane's own", () => {
    const twelve = 'default paper terraform ingestion workflows hft backtest training ml agents factors rag'.split(' ');
    expect(queueNames.toSorted()).toEqual([...twelve, 'system', 'kick', 'progress'].toSorted());
    expect([...Object.keys(light), ...Object.keys(heavy)].toSorted()).toEqual(queueNames.toSorted());
    expect(queueNames.filter((name) => queueRow(name).tier === 'internal')).toEqual(['system', 'kick', 'progress']);
    expect(queueNames.filter((name) => queueRow(name).carries === 'kicks')).toEqual(['kick']);
    expect(queueNames.filter((name) => queueRow(name).carries === 'frames')).toEqual(['progress']);
  });

  it.each(Object.entries(light))('%s has the settings of its row', (name, expected) => {
    const { kind, group, timeout, compute, batch, concurrency, warmMinimum } = queueRow(name as QueueName);
    const memoryMb = compute.kind === 'lambda' ? compute.memoryMb : 0;
    const { minimum, maximum } = concurrency;
    expect([kind, group, timeout, memoryMb, batch.size, minimum, maximum, warmMinimum.prod]).toEqual(expected);
  });

  it.each(Object.entries(heavy))('%s has the settings of its row', (name, expected) => {
    const { compute, slots, capacity, kind, tier } = queueRow(name as QueueName);
    if (compute.kind !== 'container') throw new Error(`${name} runs on ${compute.kind}`);
    expect([compute.vcpu, compute.memoryGib, compute.gpu, slots, capacity.join(' ')]).toEqual(expected);
    expect([kind, tier]).toEqual(['standard', 'heavy']);
  });

  it.each(queueNames)('%s hangs together', (name) => {
    const row = queueRow(name);
    expect(row.drives).not.toBe('');
    expect(others(name).map((other) => queueRow(other).drives)).not.toContain(row.drives);
    expect(row.compute.kind).toBe(row.tier === 'heavy' ? 'container' : 'lambda');
    expect(row.capacity.includes('LAMBDA')).toBe(row.tier !== 'heavy');
    expect(row.concurrency.maximum).toBeGreaterThanOrEqual(Math.max(1, row.concurrency.minimum));
    expect(row.maximumAttempts).toBeGreaterThanOrEqual(2);
    expect(row.warmMinimum.dev).toBe(0);
    expect(row.slots).toBeGreaterThanOrEqual(1);
    // A GPU exists on Managed Instances only; Fargate accepts the task definition and never starts it.
    const gpus = row.compute.kind === 'container' ? row.compute.gpu : 0;
    expect(gpus > 0).toBe(row.capacity.includes('MANAGED_GPU'));
    if (row.lease.kind === 'renewed') expect(row.lease.length).toBeGreaterThanOrEqual(3 * row.lease.renewEvery);
    if (row.tier !== 'heavy') expect(row.timeout).toBeLessThanOrEqual(minutes(15));
    // SQS wants a batch window above ten messages; Lambda takes at most ten of a FIFO queue.
    expect(row.batch.size).toBeLessThanOrEqual(10);
    if (row.lease.kind === 'invocation') {
      expect(limits.leaseBeyondDeadline).toBeLessThan(limits.visibilityBeyondTimeout);
    }
  });
});

describe('the tasks', () => {
  it.each(taskNames)('%s keeps the rules of a contract', (name) => {
    const contract = taskContract(name);
    expect(name).toMatch(/^[a-z]+\.[a-z-]+$/);
    expect(contract.title).not.toBe('');
    expect(contract.startableBy).not.toEqual([]);
    expect(new Set(contract.startableBy).size).toBe(contract.startableBy.length);
    const mutating = contract.uses.flatMap((port) => mutatingMethods[port].map((method) => `${port}.${method}`));
    expect(contract.mutatesWhileHalted.filter((effect) => !mutating.includes(effect))).toEqual([]);
    if (contract.effect === 'reads') expect(contract.mutatesWhileHalted).toEqual([]);
    // A task that neither runs in a halt nor mutates in one lists nothing; one that runs must be able to do something.
    if (contract.whenHalted !== 'run') expect(contract.mutatesWhileHalted).toEqual([]);
    if (queueRow(contract.queue).kind === 'fifo') expect(contract.whenHalted).not.toBe('hold');
    expect(contract.retry.firstWait).toBeLessThanOrEqual(contract.retry.longestWait);
    expect(maximumAttempts(contract)).toBeGreaterThanOrEqual(1);
  });

  it('that may be let out in a halt are the emergency exits only', () => {
    const open = taskNames.flatMap((name) => [...taskContract(name).mutatesWhileHalted]);
    expect(open.toSorted()).toEqual(['anchors.anchorHour', 'killSwitch.canary', 'killSwitch.repair', 'status.publish']);
  });

  it('of the system queue are housekeeping, and are never held: they would come back as a heap', () => {
    for (const name of taskNames.filter((one) => taskContract(one).queue === 'system')) {
      expect(taskContract(name).costClass).toBe('housekeeping');
      expect(taskContract(name).whenHalted).not.toBe('hold');
    }
  });

  it('take object keys that are relative, without empty or dotted segments', () => {
    const takes = (key: string) =>
      tasks['ingest.pull'].payload.safeParse({ connector: 'csv', dataset: 'd', source: { key } }).success;
    for (const key of ['a', 'inbox/sp500.csv', 'a b.csv', '.hidden', 'a/..b', 'é.csv'])
      expect([key, takes(key)]).toEqual([key, true]);
    const bad = [
      '',
      '/a',
      'a/',
      'a//b',
      '../a',
      'a/../b',
      'a/./b',
      '.',
      '..',
      'a/..',
      ' a',
      'a ',
      'a\nb',
      'a\0b',
      'a\u2028/../b',
      'x'.repeat(513),
    ];
    for (const key of bad) expect([key, takes(key)]).toEqual([key, false]);
  });
});

describe('the schedules', () => {
  it.each(scheduleKeys)('%s can be kept', (key) => {
    const schedule = scheduleRow(key);
    const contract = taskContract(schedule.task);
    expect(key).toMatch(/^[a-z]+(-[a-z]+)*$/);
    // `rate` moves its slots at each deployment, and with them the ids of their runs.
    expect(schedule.cron).toMatch(/^cron\(.+\)$/);
    expect(contract.startableBy).toContain('schedule');
    expect(contract.payload.safeParse(schedule.payload).success).toBe(true);
    // Scheduler gives a tick up before it would be stale on arrival, and its tries fit into that.
    expect(schedule.maximumEventAge).toBeLessThanOrEqual(schedule.staleAfter);
    expect(schedule.staleAfter).toBeLessThanOrEqual(Math.max(minutes(5), cadences[schedule.cadence]));
    expect(schedule.maximumEventAge).toBeGreaterThanOrEqual(seconds(60));
    expect(schedule.maximumRetries).toBeLessThanOrEqual(185);
    // All missed slots are begun at once: under `skip` each but the first would be refused, and owed for ever.
    if (schedule.catchUp === 'all') expect(schedule.overlap).toBe('allow');
    // A group of Scheduler is a cadence: what is in it beats at that pace.
    const slots = slotsAfter(parseCron(schedule.cron), Date.UTC(2026, 0, 1), { limit: 50 });
    const gaps = slots.slice(1).map((slotMs, index) => slotMs - (slots[index] ?? 0));
    expect(new Set(gaps)).toEqual(new Set([toMs(cadences[schedule.cadence])]));
  });

  it('start every housekeeping task', () => {
    const started = new Set<string>(scheduleKeys.map((key) => scheduleRow(key).task));
    expect(
      taskNames.filter((name) => taskContract(name).startableBy.includes('schedule') && !started.has(name)),
    ).toEqual([]);
  });
});

describe('the metrics', () => {
  const series = (row: MetricRow): number =>
    row.dimension === 'queue'
      ? queueNames.filter((name) => queueRow(name).carries === 'runs').length
      : row.dimension === 'schedule'
        ? scheduleKeys.length
        : 1;

  it('are at most 120 series, with every queue inhabited', () => {
    const count = metricNames.reduce((sum, name) => sum + series(metrics[name]), 0);
    expect(count).toBeLessThanOrEqual(120);
    expect(count).toBeGreaterThan(metricNames.length);
  });

  it('say what they mean, and lie in the namespace of their dimension', () => {
    const meanings = metricNames.map((name) => metrics[name].meaning);
    expect(new Set(meanings).size).toBe(meanings.length);
    const namespaces = { queue: 'AlphaSwarm/Tasks', schedule: 'AlphaSwarm/Beat', none: 'AlphaSwarm/KillSwitch' };
    for (const name of metricNames) expect(metrics[name].namespace).toBe(namespaces[metrics[name].dimension]);
  });

  it('and log lines are constants without values in them', () => {
    for (const line of Object.values(logLines)) expect(line).toMatch(/^[a-z ]+$/);
    expect(new Set(Object.values(logLines)).size).toBe(Object.keys(logLines).length);
  });
});

describe('the Redis keys', () => {
  const rows: [string, RedisKeyRow][] = Object.entries(redisKeys);

  it('all have a TTL but the kill switch, so that its SET cannot fail for lack of memory', () => {
    expect(rows.filter(([, row]) => row.ttl === 'none').map(([name]) => name)).toEqual(['killSwitch']);
    for (const [, row] of rows) if (row.ttl !== 'none') expect(row.ttl).toBeGreaterThan(0);
  });

  it('keep the contract with alphaswarm-core', () => {
    expect(redisKeys.killSwitch).toMatchObject({ pattern: 'alphaswarm:kill_switch', group: 'state' });
    expect(redisName(redisChannels.progress, { run: 'r1' })).toBe('pubsub:progress:r1');
  });

  it('of one run share a hash tag', () => {
    expect(redisName(redisKeys.progressStream.pattern, { run: 'r1' })).toBe('progress:{r1}');
    expect(redisName(redisKeys.canary.pattern, { cell: 'dev' })).toBe('alphaswarm:dev:heartbeat:canary');
    expect(redisName('a:{unknown}', {})).toBe('a:{unknown}');
  });

  it('are patterns that cannot be taken for each other', () => {
    expect(new Set(rows.map(([, row]) => row.pattern)).size).toBe(rows.length);
  });
});

describe('the entry points', () => {
  it('are the doors, the dispatcher and one for each inhabited queue; the system function writes to all', () => {
    const plane = ['dispatcher', 'gateway', 'halt', 'mcp', 'relay', 'sockets'];
    expect(Object.keys(entryPoints).toSorted()).toEqual([...plane, ...inhabitedQueues].toSorted());
    expect(entryPoints.system.writesTo).toEqual([...inhabitedQueues, 'kick', 'progress']);
    const others = Object.entries(entryPoints).filter(([name]) => name !== 'system');
    expect(others.filter(([, { writesTo }]) => writesTo.includes('system'))).toEqual([]);
    expect(entryPoints.backtest).toMatchObject({ kind: 'executor', file: 'containers/executor/backtest.ts' });
    expect(entryPoints.ingestion).toMatchObject({
      file: 'functions/consumers/ingestion.ts',
      writesTo: ['ingestion', 'backtest', 'default', 'kick', 'progress'],
    });
  });

  it.each(Object.keys(entryPoints) as (keyof typeof entryPoints)[])(
    '%s names each variable once, in capitals',
    (name) => {
      const names = environmentNames(name);
      expect(new Set(names).size).toBe(names.length);
      for (const variable of names) expect(variable).toMatch(/^[A-Z][A-Z0-9_]*$/);
      // A function that consumes a queue writes to it: continued legs, and rejected messages to its dead letters.
      const { consumes, writesTo } = entryPoints[name];
      if (consumes !== undefined) expect(writesTo).toContain(consumes);
    },
  );
});

describe('the limits', () => {
  it('let no late message find its row gone: queue, dead letters and event age fit into the retention of runs', () => {
    const oldest = Math.max(...scheduleKeys.map((key) => scheduleRow(key).maximumEventAge));
    expect(limits.runRetention).toBeGreaterThan(2 * limits.queueRetention + oldest);
    expect(limits.queueRetention).toBe(days(14));
  });

  it('hide a message at least as long as its claim lasts', () => {
    for (const name of queueNames) {
      if (queues[name].lease.kind === 'renewed') continue;
      expect(limits.visibilityBeyondTimeout).toBeGreaterThan(limits.leaseBeyondDeadline);
    }
  });
});

describe('durations', () => {
  it('are whole numbers of seconds', () => {
    expect([seconds(1), minutes(2), hours(3), days(4)]).toEqual([1, 120, 10_800, 345_600]);
    expect(toMs(minutes(1))).toBe(60_000);
    for (const bad of [-1, 0.5, Number.NaN, Infinity])
      expect(() => seconds(bad)).toThrow(/is not a whole number of seconds/);
  });
});

import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { queueNames } from '#core/catalogue/queues.ts';
import { logLines, metricNames, metrics, type MetricName, type MetricSource } from '#core/catalogue/metrics.ts';
import { scheduleKeys } from '#core/catalogue/schedules.ts';
import { inhabitedQueues } from '#core/catalogue/tasks.ts';
import { cancel } from '#core/cancel.ts';
import { consumeKicks } from '#core/consume-kicks.ts';
import { Failure } from '#core/errors.ts';
import { runExecutor } from '#core/executor.ts';
import { engage, release } from '#core/halt.ts';
import { reaper } from '#core/reap.ts';
import { anyBodies, type AnyBody } from '#core/task.ts';
import { memoryInbox } from '#memory/inbox.ts';
import { memoryExecutors } from '#memory/executors.ts';
import type { MemoryPlane } from '#memory/plane.ts';
import { childBodies } from '#runtime/executor/child.ts';
import { runtimeLog } from '#runtime/log.ts';
import { runtimeMetrics } from '#runtime/metrics.ts';
import { createMetrics } from '#local/metrics.ts';
import { systemTasks } from '#tasks/system/index.ts';
import { ask, deliver, drive, place, pullResult, pulls, sendTick } from '#test/unit/core/support.ts';
import { anchorsSpeak, doorsSpeak, relaySpeaks } from '#test/unit/runtime/door-scenarios.ts';
import { said, speakingPlane, type Emf, type Said } from '#test/unit/runtime/support.ts';

const minuteMs = 60_000;
const system = anyBodies(systemTasks);
const request = { by: 'ada', reason: 'a drill' };

/** Runs what is due on a queue. */
const run = (plane: MemoryPlane, body: AnyBody): Promise<unknown> =>
  drive(plane, deliver(plane, 'ingestion', { bodies: pulls(body) }));
const tick = async (plane: MemoryPlane, lateMs = 2000, schedule = scheduleKeys[0] ?? 'runs-reap') => {
  const slotMs = Math.ceil(plane.clock.nowMs() / minuteMs) * minuteMs;
  await plane.clock.advance(slotMs - plane.clock.nowMs() + lateMs);
  await sendTick(plane, schedule, slotMs);
  await drive(plane, deliver(plane, 'system', { bodies: system }));
};
const succeeds: AnyBody = async () => pullResult;
const failing =
  (code: 'INPUT_INVALID' | 'DEPENDENCY_UNAVAILABLE'): AnyBody =>
  async () => {
    throw new Failure(code, 'the input is not there');
  };

/** What happens for each source of the catalogue. A new source needs a row here, a new metric perhaps a line. */
const scenarios: Record<MetricSource, (plane: MemoryPlane) => Promise<void>> = {
  heartbeat: (plane) => tick(plane, 2000, 'killswitch-heartbeat'),
  async tick(plane) {
    for (const schedule of scheduleKeys) await tick(plane, 2000, schedule);
    await tick(plane, 10 * minuteMs);
  },
  async run(plane) {
    await ask(plane);
    await run(plane, succeeds);
    await ask(plane);
    await run(plane, failing('INPUT_INVALID'));
    await ask(plane);
    for (let attempts = 0; attempts < 8; attempts += 1) {
      await run(plane, failing('DEPENDENCY_UNAVAILABLE'));
      await plane.clock.advance(10 * minuteMs);
    }
    await tick(plane, 10 * minuteMs);
  },
  async halt(plane) {
    await ask(plane);
    await drive(plane, engage(plane, request));
    await run(plane, succeeds);
    await drive(plane, release(plane, request));
    plane.key.value = 'set by alphaswarm-core';
    await tick(plane, 2000, 'killswitch-heartbeat');
    plane.key.value = '';
    plane.key.replication = 'after a failover';
    await tick(plane, 2000, 'killswitch-heartbeat');
  },
  async message(plane) {
    await plane.queues.send('ingestion', { body: 'no JSON', group: 'x', deduplicationId: 'x' });
    await run(plane, succeeds);
    await ask(plane);
    plane.key.down = true;
    await run(plane, succeeds);
    plane.key.down = false;
  },
  async reconcile(plane) {
    await tick(plane, 2000, 'status-sync');
    // An hour in which no tick comes.
    await plane.clock.advance(60 * minuteMs);
    await tick(plane, 2000, 'beat-reconcile');
  },
  async dispatch(plane) {
    const executors = memoryExecutors();
    for (const capacity of ['FARGATE', 'FARGATE_SPOT']) executors.full.add(capacity);
    const payload = { inline: { data: { dataset: 'x' }, strategy: { name: 'sma-cross' } } };
    await place(plane, { task: 'backtest.run', queue: 'backtest', payload });
    const kick = JSON.stringify({ v: 1, family: 'backtest', cause: 'send' });
    await drive(plane, consumeKicks({ ...plane, executors }, [{ id: 'k', receipt: 'k', receives: 1, body: kick }]));
    const entry = fileURLToPath(new URL('fixtures/child.ts', import.meta.url));
    const bodies = childBodies({ 'backtest.run': async () => undefined }, { entry, log: plane.log });
    const pulled = memoryInbox(plane.queues, plane.clock);
    let tries = 0;
    const take: typeof pulled.take = async (...values) => {
      tries += 1;
      if (tries === 1) throw new Error('the queue is away');
      return pulled.take(...values);
    };
    const inbox = { ...pulled, take };
    const shutdown = new AbortController().signal;
    await drive(plane, runExecutor({ ...plane, inbox }, { family: 'backtest', bodies, shutdown, idleMs: 1000 }));
  },
};
const sources = Object.keys(scenarios) as MetricSource[];

/** Each value of each metric in these lines, with the line that it stands in. */
const pointsOf = (emf: readonly Emf[]) =>
  emf.flatMap((line) =>
    line._aws.CloudWatchMetrics.flatMap((directive) =>
      directive.Metrics.map(({ Name, Unit }) => ({ name: Name as MetricName, unit: Unit, directive, line })),
    ),
  );

const all: Partial<Record<MetricSource, Said>> = {};
async function ofSource(source: MetricSource): Promise<Said & { beganMs: number; endedMs: number }> {
  const plane = speakingPlane();
  const beganMs = plane.clock.nowMs();
  const lines = await said(() => scenarios[source](plane));
  all[source] = lines;
  return { ...lines, beganMs, endedMs: plane.clock.nowMs() };
}

describe.each(sources)('a %s', (source) => {
  const promised = metricNames.filter((name) => metrics[name].source === source);

  it('leaves each EMF line that the catalogue promises of it, in its namespace, unit and dimension', async () => {
    const { emf, beganMs, endedMs } = await ofSource(source);
    const points = pointsOf(emf);
    expect(promised.length).toBeGreaterThan(0);
    for (const name of promised) {
      const row = metrics[name];
      const found = points.filter((point) => point.name === name);
      expect(found.length, `${name} was never emitted`).toBeGreaterThan(0);
      for (const { unit, directive, line } of found) {
        expect(unit).toBe(row.unit);
        expect(directive.Namespace).toBe(row.namespace);
        expect(directive.Dimensions).toEqual([row.dimension === 'none' ? ['service'] : ['service', row.dimension]]);
        expect(line['service']).toBe('alphaswarm');
        const names: readonly string[] = row.dimension === 'queue' ? queueNames : scheduleKeys;
        if (row.dimension !== 'none') expect(names).toContain(line[row.dimension]);
        for (const value of [line[name]].flat()) expect(value).toEqual(expect.any(Number));
        // The plane's clock stands a long way from the wall's here, and Powertools has nothing to say about it.
        expect(line._aws.Timestamp).toBeGreaterThanOrEqual(beganMs);
        expect(line._aws.Timestamp).toBeLessThanOrEqual(endedMs);
      }
    }
  });

  it('says nothing that the catalogue does not know: no other metric, no other log line, no warning', async () => {
    const { emf, log } = all[source] ?? (await ofSource(source));
    for (const { name } of pointsOf(emf)) expect(metricNames).toContain(name);
    const known: readonly string[] = Object.values(logLines);
    for (const line of log) {
      expect(known).toContain(line['message']);
      expect(['INFO', 'WARN']).toContain(line['level']);
      expect(line['service']).toBe('alphaswarm');
    }
  });
});

describe('the lines of the plane', () => {
  it('make at most 120 series in all, and no run id is a dimension', async () => {
    const recorder = createMetrics();
    for (const source of sources) {
      for (const line of (all[source] ?? (await ofSource(source))).emf) recorder.readLine(JSON.stringify(line));
    }
    const series = recorder.series();
    expect(series.length).toBeLessThanOrEqual(120);
    expect(new Set(series.flatMap(({ dimensions }) => Object.keys(dimensions)))).toEqual(
      new Set(['service', 'queue', 'schedule']),
    );
    const possible = metricNames.map((name) => {
      const { dimension } = metrics[name];
      return dimension === 'queue' ? inhabitedQueues.length : dimension === 'schedule' ? scheduleKeys.length : 1;
    });
    expect(possible.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(120);
  });

  it('hold, of what the log promises, each line at least once', async () => {
    const { log } = await said(async () => {
      const plane = speakingPlane();
      for (const source of ['halt', 'message', 'tick', 'reconcile', 'dispatch'] as const)
        await scenarios[source](speakingPlane());
      for (const speak of [doorsSpeak, relaySpeaks, anchorsSpeak]) await speak(speakingPlane());
      // What is lost on the way out: a frame, and the event of a run.
      plane.progress.publish = () => Promise.reject(new Error('the cache is away'));
      plane.lifecycle.emit = () => Promise.reject(new Error('the bus is away'));
      await ask(plane);
      await run(plane, async (_, context) => {
        context.progress({ pct: 50 });
        return pullResult;
      });
      // A row that cannot be written, and somebody who cancels another.
      const { run: asked } = await ask(plane);
      await cancel(plane, (await ask(plane)).run.id, request);
      await plane.clock.advance(minuteMs);
      plane.ledger.replace = () => Promise.reject(new Error(`no ${asked.id}`));
      await reaper(plane).resend();
    });
    const messages = new Set(log.map((line) => line['message']));
    for (const line of Object.values(logLines)) expect([...messages]).toContain(line);
  });

  it('name run, task, queue and attempt where a run starts and ends, and who and why where it halts', async () => {
    const { log } = await said(async () => {
      const plane = speakingPlane();
      await ask(plane);
      await run(plane, succeeds);
      await drive(plane, engage(plane, request));
    });
    const line = (message: string) => log.find((one) => one['message'] === message);
    const run0 = line(logLines.runStarted)?.['run'];
    expect(run0).toMatch(/^[0-9a-f-]{36}$/);
    expect(line(logLines.runStarted)).toMatchObject({ task: 'ingest.pull', queue: 'ingestion', attempt: 1, fence: 1 });
    expect(line(logLines.runSettled)).toMatchObject({ run: run0, task: 'ingest.pull', state: 'succeeded', attempt: 1 });
    expect(line(logLines.haltEngaged)).toMatchObject({ by: 'ada', reason: 'a drill', epoch: 1, level: 'WARN' });
  });
});

describe('metrics of a large batch', () => {
  it('keep time and dimension of every value, more than a line of Powertools holds', async () => {
    const plane = speakingPlane();
    const metrics = runtimeMetrics(plane.clock);
    const { emf, log } = await said(async () => {
      for (let value = 0; value < 250; value += 1) {
        metrics.record('RunRetried', value, 'ingestion');
        metrics.record('RunRetried', value, 'system');
      }
      metrics.record('RunDuration', 7, 'ingestion');
      metrics.flush();
      metrics.flush();
    });
    expect(log).toEqual([]);
    for (const queue of ['ingestion', 'system']) {
      const lines = emf.filter((line) => line['queue'] === queue);
      expect(lines.flatMap((line) => line['RunRetried'])).toEqual(Array.from({ length: 250 }, (_, value) => value));
    }
    expect(emf.filter((line) => 'RunDuration' in line).map((line) => line['queue'])).toEqual(['ingestion']);
    expect(new Set(emf.map((line) => line._aws.Timestamp))).toEqual(new Set([plane.clock.nowMs()]));
  });

  it.each([
    ['long past', Date.UTC(2001, 0)],
    ['to come', Date.UTC(2031, 0)],
    ['of a clock that is driven in fractions', Date.UTC(2026, 0) + 0.5],
  ])('are written with a time %s, and without a warning', async (_, atMs) => {
    const plane = speakingPlane(atMs);
    const { emf, log } = await said(async () => {
      plane.metrics.record('Halted', 0);
      plane.metrics.flush();
    });
    expect(log).toEqual([]);
    expect(emf.map((line) => [line['Halted'], line._aws.Timestamp])).toEqual([[0, Math.round(atMs)]]);
  });
});

describe('a log line', () => {
  it('keeps its facts, whatever they are called, beside its message', async () => {
    const { log } = await said(async () => {
      const facts = { message: 'm-1', level: 'high', service: 's', timestamp: 't', run: 'r-1' };
      runtimeLog('INFO').warn(logLines.messageRejected, facts);
    });
    expect(log).toHaveLength(1);
    expect(log[0]).toMatchObject({
      message: logLines.messageRejected,
      level: 'WARN',
      service: 'alphaswarm',
      run: 'r-1',
    });
    for (const value of ['m-1', 'high', 's', 't']) expect(Object.values(log[0] ?? {})).toContain(value);
  });

  it.each([
    ['DEBUG', 2],
    ['INFO', 2],
    ['WARN', 1],
    ['ERROR', 0],
  ] as const)('is written at level %s or above', async (level, count) => {
    const { log } = await said(async () => {
      runtimeLog(level).info(logLines.runStarted);
      runtimeLog(level).warn(logLines.switchUnknown);
    });
    expect(log).toHaveLength(count);
  });

  it('is one line, whatever it holds', async () => {
    const circle: Record<string, unknown> = { big: 2n ** 70n, text: 'two\nlines \u2028 🛑' };
    circle['itself'] = circle;
    const { text } = await said(async () => runtimeLog('INFO').info(logLines.runStarted, circle));
    expect(text.trimEnd().split('\n')).toHaveLength(1);
  });
});

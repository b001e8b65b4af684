import { describe, expect, it } from 'vitest';
import { enqueue } from '#core/enqueue.ts';
import { changeRun, type Run } from '#core/run.ts';
import { taskPorts } from '#core/task-ports.ts';
import { memoryPlane, type MemoryPlane } from '#memory/plane.ts';

const ask = async (plane: MemoryPlane, when: { notBeforeMs?: number } = {}): Promise<Run> => {
  const payload = { connector: 'csv', dataset: 'sp500', source: { key: 'sp500.csv' } } as const;
  return (
    await enqueue(plane, {
      task: 'ingest.pull',
      payload,
      tenant: 'acme',
      actor: { kind: 'human', id: 'ada' },
      as: 'researcher',
      ...when,
    })
  ).run;
};

describe('the sample of the status page', () => {
  it('takes the age of the run that waits longest, though it was sent again since', async () => {
    const plane = memoryPlane();
    const run = await ask(plane);
    await plane.clock.advance(30 * 60_000);
    await plane.ledger.replace(run, changeRun(run, { send: 2, checkAfterMs: plane.clock.nowMs() + 3_600_000 }));
    await ask(plane);
    // A run for later does not wait yet, and does not hide one that does.
    await ask(plane, { notBeforeMs: plane.clock.nowMs() + 600_000 });
    const { queues } = await taskPorts(plane, run).status.sample();
    expect(queues.find(({ queue }) => queue === 'ingestion')).toMatchObject({
      oldestAgeMs: 30 * 60_000,
      deadLetters: 0,
    });
  });

  it('knows no age where nothing waits', async () => {
    const plane = memoryPlane();
    const run = await ask(plane);
    await plane.ledger.replace(run, changeRun(run, { state: 'running', fence: 1 }));
    const { queues } = await taskPorts(plane, run).status.sample();
    expect(queues.length).toBeGreaterThan(1);
    for (const { oldestAgeMs } of queues) expect(oldestAgeMs).toBe(0);
  });
});

import { describe, expect, it } from 'vitest';
import { memoryPlane } from '#memory/plane.ts';
import { ask, deliver, drive, pullResult, pulls } from '#test/unit/core/support.ts';

/** What a plane of this seed makes of three requests, one of which fails at first. */
async function story(seed: number): Promise<unknown> {
  const plane = memoryPlane({ seed });
  let tries = 0;
  for (const idempotencyKey of ['a', undefined, undefined])
    await ask(plane, idempotencyKey === undefined ? {} : { idempotencyKey });
  for (let rounds = 0; rounds < 4; rounds += 1) {
    const bodies = pulls(async () => {
      tries += 1;
      if (tries === 2) throw new Error('once');
      return pullResult;
    });
    await drive(plane, deliver(plane, 'ingestion', { bodies }));
    await plane.clock.advance(60_000);
  }
  const { rows } = plane.ledger;
  return {
    rows: [...rows.values()],
    events: plane.lifecycle.events,
    lines: plane.log.lines,
    metrics: plane.metrics.records,
  };
}

describe('the plane in memory', () => {
  it('tells the same story for the same seed, to the last byte', async () => {
    expect(JSON.stringify(await story(5))).toBe(JSON.stringify(await story(5)));
  });

  it('tells another for another seed: ids and jitter differ', async () => {
    expect(JSON.stringify(await story(5))).not.toBe(JSON.stringify(await story(6)));
  });

  it('shares nothing with another plane', async () => {
    const [one, other] = [memoryPlane(), memoryPlane()];
    await ask(one);
    await one.clock.advance(1000);
    one.key.value = 'halt';
    await one.artefacts.put('a', new Uint8Array([1]), 'text/plain');
    expect(other.ledger.rows.size).toBe(0);
    expect(other.artefacts.objects.size).toBe(0);
    expect(other.clock.monotonicMs()).toBe(0);
    expect(await other.key.read()).toBe('');
    expect(await other.queues.depth('ingestion', 'queue')).toMatchObject({ waiting: 0 });
  });
});

describe('the key in memory', () => {
  it('fails in every way at once while Redis is down, and keeps its value', async () => {
    const { key } = memoryPlane();
    await key.set('halt');
    key.down = true;
    const asked = [
      () => key.read(),
      () => key.set('x'),
      () => key.deleteIf('halt'),
      () => key.publish('x'),
      () => key.waitReplicas(1),
      () => key.replicationId(),
      () => key.evictionPolicy(),
      () => key.canary('x'),
    ];
    for (const ask of asked) await expect(Promise.resolve().then<unknown>(ask)).rejects.toThrow('closed');
    key.down = false;
    expect(await key.read()).toBe('halt');
  });
});

describe('the queues in memory', () => {
  it('show a message again when its visibility runs out, unless it was acknowledged', async () => {
    const { queues, clock } = memoryPlane();
    for (const body of ['a', 'b']) await queues.send('ingestion', { body, group: 'g', deduplicationId: body });
    const [first] = queues.receive('ingestion', 10, 30_000);
    queues.acknowledge('ingestion', first?.receipt ?? '');
    await clock.advance(29_999);
    expect(queues.receive('ingestion', 10)).toEqual([]);
    await clock.advance(1);
    expect(queues.receive('ingestion', 10)).toMatchObject([{ body: 'b', receives: 2 }]);
  });

  it('hand out as many messages as are asked for, oldest first', async () => {
    const { queues } = memoryPlane();
    for (const body of ['a', 'b', 'c']) await queues.send('ingestion', { body, group: 'g', deduplicationId: body });
    expect(queues.receive('ingestion', 2).map(({ body }) => body)).toEqual(['a', 'b']);
    expect(queues.receive('ingestion', 2).map(({ body }) => body)).toEqual(['c']);
  });
});

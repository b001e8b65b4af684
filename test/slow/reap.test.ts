// The reaper before three thousand rows on real servers, a DynamoDB and an SQS on loopback: nobody else waits for them.
import { expect, test } from 'vitest';
import { reaper } from '#core/reap.ts';
import type { Run } from '#core/run.ts';
import { worldsOnAws, type World } from '#test/contract/support/world.ts';
import { measured } from '#test/fault/support/measured.ts';
import { rowOf, runRow } from '#test/unit/core/support.ts';

const makeWorld = await worldsOnAws();
const overdue = 3000;

async function rows({ plane }: World, count: number, over: Partial<Run>): Promise<string[]> {
  const made = Array.from({ length: count }, () => runRow({ notBeforeMs: 0, ...over }, plane as never));
  for (let from = 0; from < count; from += 100)
    await Promise.all(made.slice(from, from + 100).map((row) => plane.ledger.create(row)));
  return made.map(({ id }) => id);
}

test('a backlog in one queue and state is worked on for as long as there is time; what else is due is done beside it', async () => {
  const world = await makeWorld();
  const nowMs = world.plane.clock.nowMs();
  await rows(world, overdue, { checkAfterMs: nowMs - 3_600_000 });
  const system = { task: 'status.sync', queue: 'system', payload: { inline: {} }, checkAfterMs: nowMs - 1 } as const;
  const lease = { owner: 'dead', untilMs: 1 };
  const others = [
    ...(await rows(world, 1, system)),
    ...(await rows(world, 1, { ...system, state: 'running', attempt: 1, starts: 1, fence: 1, lease })),
    ...(await rows(world, 1, { ...system, state: 'held' })),
  ];
  const reaping = reaper(world.plane);
  const began = performance.now();
  const passes = Promise.all([reaping.expire(), reaping.resend(), reaping.drain(), reaping.release()]);
  const [expired, resent, , released] = await world.drive(passes);
  const tookS = (performance.now() - began) / 1000;
  measured('overdue rows sent again', resent.count / tookS, 'a second');
  expect([expired.count, released.count]).toEqual([1, 1]);
  for (const id of others) expect((await rowOf(world.plane as never, id)).send).toBe(2);
  expect(resent.count).toBeGreaterThan(1000);
  expect(resent.count === overdue + 1).toBe(!resent.more);
  const { waiting } = await world.plane.queues.depth('ingestion', 'queue');
  expect(waiting).toBe(resent.count - 1);
});

// Delivery is at least once, in no order: whatever comes, a slot is one run.
import { expect, test } from 'vitest';
import { parseCron, slotsAfter } from '#core/cron.ts';
import { driven, faultPlane, minuteMs, noonMs, type FaultPlane } from './support/plane.ts';
import { measured } from './support/measured.ts';

const lateSlots = 5;
const drivenMinutes = 20;

/** Fisher and Yates, on numbers that are the same in every run. */
function shuffled<T>(list: readonly T[], seed: number): T[] {
  const result = [...list];
  let state = seed;
  for (let at = result.length - 1; at > 0; at -= 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = state % (at + 1);
    [result[at], result[other]] = [result[other] as T, result[at] as T];
  }
  return result;
}

const slotsBefore = (nowMs: number, count: number): number[] =>
  Array.from({ length: count }, (_, n) => Math.floor(nowMs / minuteMs) * minuteMs - n * minuteMs);

/** The first deliveries come out of order, three of each at once, and old slots come again between the new. */
async function deliverLateSlots(running: FaultPlane, schedules: readonly string[]): Promise<void> {
  const order = shuffled(slotsBefore(noonMs + 30_000, lateSlots), 7);
  expect(order).not.toEqual(order.toSorted((one, other) => one - other));
  for (const [round, slotMs] of order.entries()) {
    const again = order.slice(0, round).slice(-1);
    const deliveries = schedules.flatMap((name) => [slotMs, slotMs, ...again, slotMs].map((at) => [name, at] as const));
    await Promise.all(shuffled(deliveries, round + 1).map(([name, at]) => running.scheduler.deliver(name, at)));
    // One schedule runs one slot at a time, so the next new slot waits for this one: overlap is another rule's test.
    await running.idle(AbortSignal.timeout(60_000));
  }
}

test('200 duplicated and reordered ticks on the real plane: each slot is one run, begun once', async () => {
  const duplicates: Promise<void>[] = [];
  const running: FaultPlane = await faultPlane({
    ...driven,
    onEvent: (event) => {
      // While a slot's own tick is on its way it comes twice more, and an older slot with it.
      if (event.type !== 'tick' || duplicates.length >= drivenMinutes * 9 || event.scheduledAtMs <= noonMs) return;
      if (!minutely().includes(event.schedule) || begun.has(`${event.schedule} ${event.scheduledAtMs}`)) return;
      begun.add(`${event.schedule} ${event.scheduledAtMs}`);
      for (const at of [0, 0, 1 + (begun.size % 3)])
        duplicates.push(running.scheduler.deliver(event.schedule, event.scheduledAtMs - at * minuteMs));
    },
  });
  const begun = new Set<string>();
  const minutely = (): string[] =>
    running.resources.schedules.flatMap(({ name, expression }) => (expression === 'cron(* * * * ? *)' ? name : []));
  const schedules = minutely();
  const startedMs = performance.now();
  await deliverLateSlots(running, schedules);
  for (let minute = 1; minute <= drivenMinutes; minute += 1) {
    await running.clock.advanceTo(noonMs + minute * minuteMs);
    await Promise.all(duplicates);
    await running.idle(AbortSignal.timeout(60_000));
  }
  const tookMs = performance.now() - startedMs;

  const ticks = running.told('tick');
  const slots = new Set(ticks.map(({ schedule, scheduledAtMs }) => `${schedule} ${scheduledAtMs}`));
  const others = running.resources.schedules.filter(({ name }) => !schedules.includes(name));
  const due = others.map(({ expression }) =>
    slotsAfter(parseCron(expression), noonMs, { untilMs: noonMs + drivenMinutes * minuteMs, limit: 1000 }),
  );
  expect(slots.size).toBe(schedules.length * (lateSlots + drivenMinutes) + due.flat().length);
  expect(ticks.length).toBeGreaterThanOrEqual(200);

  const rows = await running.rows();
  expect(rows.map(({ schedule, slotMs }) => `${schedule} ${slotMs}`).toSorted()).toEqual([...slots].toSorted());
  // A permit that a busy machine read too slowly hands a run back unspent: it is begun again, and its log says so.
  const handedBack = running.logged('run settled').filter(({ state }) => state === 'queued');
  for (const row of rows) {
    const returns = handedBack.filter(({ run }) => run === row.id).length;
    expect(row).toMatchObject({ state: 'succeeded', attempt: 1, starts: 1 + returns, generation: 1, outbox: [] });
  }
  expect(running.logged('run started')).toHaveLength(rows.length + handedBack.length);
  // A duplicate that meets an outbox not yet cleared sends the same event again, under the same id: one event a run.
  const events = running.events().filter(({ detailType }) => detailType === 'RunSucceeded');
  const distinct = new Map(
    events.map(({ detail }) => detail as { id: string; run: string }).map((one) => [one.id, one]),
  );
  expect([...distinct.values()].map(({ run }) => run).toSorted()).toEqual(rows.map(({ id }) => id).toSorted());
  expect(running.told('dead-letter')).toEqual([]);
  expect(running.told('error')).toEqual([]);
  measured(`ticks delivered for ${rows.length} slots, one run each`, ticks.length, 'ticks');
  measured('runs handed back because a permit was void', handedBack.length, 'runs');
  measured('events sent again under the same id', events.length - distinct.size, 'events');
  measured('wall time for all of them', tookMs / 1000, 's');
});

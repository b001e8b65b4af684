import { describe, expect, it } from 'vitest';
import { blankRow } from '#core/enqueue.ts';
import { Failure } from '#core/errors.ts';
import type { Ledger } from '#core/ports.ts';
import { changeRun, type Run, type RunChange } from '#core/run.ts';
import { memoryIds } from '#memory/ids.ts';

const noonMs = Date.UTC(2026, 0, 5, 12);
const dayMs = 86_400_000;

/** Rows of one test: ids are random, so that shards are hit as they come. */
function rows(seed = 7) {
  const ids = memoryIds(seed);
  return (change: Partial<Run> = {}): Run => ({
    ...blankRow(
      { cell: 'test', ids },
      { id: ids.named(`row ${ids.random()}`), task: 'ingest.pull', tenant: 'acme', actor, nowMs: noonMs },
    ),
    ...change,
  });
}
const actor = { kind: 'human', id: 'ada' } as const;
const running: RunChange = {
  state: 'running',
  attempt: 1,
  starts: 1,
  fence: 1,
  claimedMs: noonMs,
  lease: { owner: 'environment-1', untilMs: noonMs + 45_000 },
  checkAfterMs: noonMs + 45_000,
};

/** What the pipeline relies on in a ledger, whichever it is. */
export function ledgerContract(name: string, make: () => Promise<Ledger>): void {
  describe(`ledger: ${name}`, () => {
    it('gives back a row as it was created, and nothing that was never asked for', async () => {
      const ledger = await make();
      const row = rows()({
        payload: { inline: { connector: 'csv', dataset: 'spx', source: { key: 'a/b c.csv' } } },
        cursor: { at: 0.1, list: [], text: '', none: null, deep: [{ far: -0.000_000_1 }], big: 2 ** 60 },
        actor: { kind: 'service', id: 'svc#1', onBehalfOf: 'ada' },
        schedule: 'runs-reap',
        slotMs: noonMs,
        artefacts: [],
      });
      expect(await ledger.create(row)).toBe('created');
      expect(await ledger.read(row.id)).toEqual(row);
      expect(await ledger.read('00000000-0000-7000-8000-000000000000')).toBeUndefined();
    });

    it('reads many rows at once, in the order that was asked for, and leaves out those that do not exist', async () => {
      const ledger = await make();
      const row = rows();
      const all = Array.from({ length: 230 }, (_, number) => row({ cursor: 'x'.repeat(number === 7 ? 300_000 : 9) }));
      await Promise.all(all.map((one) => ledger.create(one)));
      const ids = all.map(({ id }) => id);
      expect(await ledger.readMany([])).toEqual([]);
      expect(await ledger.readMany([...ids, '00000000-0000-7000-8000-000000000000'])).toEqual(all);
      const [first, second] = all;
      expect(await ledger.readMany([ids[1] ?? '', ids[0] ?? '', ids[1] ?? ''])).toEqual([second, first, second]);
    });

    it('creates a row once: the second is told that it exists, and changes nothing', async () => {
      const ledger = await make();
      const row = rows()();
      const answers = await Promise.all([ledger.create(row), ledger.create({ ...row, tenant: 'other' })]);
      expect(answers.toSorted()).toEqual(['created', 'exists']);
      expect(await ledger.create({ ...row, tenant: 'third' })).toBe('exists');
      expect((await ledger.read(row.id))?.tenant).not.toBe('third');
    });

    it('hands out copies: what a reader or a writer does to its own afterwards changes nothing', async () => {
      const ledger = await make();
      const row = rows()({ cursor: { at: 1 } });
      await ledger.create(row);
      const read = (await ledger.read(row.id)) as { cursor: { at: number } };
      (row.cursor as { at: number }).at = 2;
      try {
        read.cursor.at = 3;
      } catch {
        // Frozen is a copy, too.
      }
      expect((await ledger.read(row.id))?.cursor).toEqual({ at: 1 });
    });

    it('replaces the row that was read, and then reads what was written', async () => {
      const ledger = await make();
      const row = rows()();
      await ledger.create(row);
      const claimed = changeRun(row, running);
      expect(await ledger.replace(row, claimed)).toBe('replaced');
      expect(await ledger.read(row.id)).toEqual(claimed);
      const back = changeRun(claimed, { state: 'queued', lease: 'none' });
      await ledger.replace(claimed, back);
      expect(await ledger.read(row.id)).toEqual(back);
      expect(await ledger.read(row.id)).not.toHaveProperty('lease');
    });

    it('lets one of several win that replace the same revision; the others conflict', async () => {
      const ledger = await make();
      const row = rows()();
      await ledger.create(row);
      const claims = Array.from({ length: 8 }, (_, fence) => changeRun(row, { ...running, fence: fence + 1 }));
      const answers = await Promise.all(claims.map((claim) => ledger.replace(row, claim)));
      expect(answers.toSorted()).toEqual([...Array.from({ length: 7 }, () => 'conflict'), 'replaced']);
      expect((await ledger.read(row.id))?.fence).toBe(answers.indexOf('replaced') + 1);
    });

    it('conflicts on a row that is not there, and on one that has moved on', async () => {
      const ledger = await make();
      const row = rows()();
      const claimed = changeRun(row, running);
      expect(await ledger.replace(row, claimed)).toBe('conflict');
      expect(await ledger.read(row.id)).toBeUndefined();
      await ledger.create(row);
      await ledger.replace(row, claimed);
      expect(await ledger.replace(row, changeRun(row, { state: 'held' }))).toBe('conflict');
      expect((await ledger.read(row.id))?.state).toBe('running');
    });

    it('refuses a step that the state machine does not have, and writes nothing', async () => {
      const ledger = await make();
      const done = rows()({ state: 'succeeded' });
      await ledger.create(done);
      const raised = { ...done, rev: 2, state: 'running' as const };
      await expect(ledger.replace(done, raised)).rejects.toSatisfy(
        (error) => error instanceof Failure && error.code === 'TRANSITION_ILLEGAL',
      );
      expect(await ledger.read(done.id)).toEqual(done);
    });

    openContract(make);
    listContract(make);
  });
}

function openContract(make: () => Promise<Ledger>): void {
  const ask = (ledger: Ledger, change: Partial<Parameters<Ledger['open']>[0]> = {}) =>
    ledger.open({ queue: 'ingestion', state: 'queued', dueMs: noonMs + dayMs, limit: 100, ...change });

  it('finds open rows in the order of checkAfterMs, over all shards, only those that are due', async () => {
    const ledger = await make();
    const row = rows();
    const all = Array.from({ length: 40 }, (_, number) => row({ checkAfterMs: noonMs + ((number * 17) % 40) * 1000 }));
    for (const one of all) await ledger.create(one);
    const inOrder = all.toSorted((one, other) => one.checkAfterMs - other.checkAfterMs).map(({ id }) => id);
    expect(await ask(ledger)).toEqual(inOrder);
    expect(await ask(ledger, { limit: 7 })).toEqual(inOrder.slice(0, 7));
    expect(await ask(ledger, { dueMs: noonMs + 11_000 })).toEqual(inOrder.slice(0, 12));
    expect(await ask(ledger, { dueMs: noonMs + 11_000, afterMs: noonMs + 3000 })).toEqual(inOrder.slice(4, 12));
    expect(await ask(ledger, { dueMs: noonMs - 1 })).toEqual([]);
    expect(await ask(ledger, { dueMs: Number.MAX_SAFE_INTEGER, limit: 1 })).toEqual(inOrder.slice(0, 1));
  });

  it('keeps queues and states apart', async () => {
    const ledger = await make();
    const row = rows();
    const other = row({ queue: 'system', task: 'runs.reap' });
    const held = row({ state: 'held' });
    for (const one of [other, held]) await ledger.create(one);
    expect(await ask(ledger)).toEqual([]);
    expect(await ask(ledger, { queue: 'system' })).toEqual([other.id]);
    expect(await ask(ledger, { state: 'held' })).toEqual([held.id]);
  });

  it('moves a row from state to state, and lets it leave once it is terminal and drained', async () => {
    const ledger = await make();
    const queued = rows()();
    await ledger.create(queued);
    const where = async () => {
      const states = ['queued', 'running', 'held', 'outbox'] as const;
      const found = await Promise.all(states.map((state) => ask(ledger, { state })));
      return states.filter((_, index) => found[index]?.includes(queued.id));
    };
    expect(await where()).toEqual(['queued']);
    const claimed = changeRun(queued, running);
    await ledger.replace(queued, claimed);
    expect(await where()).toEqual(['running']);
    const settled = changeRun(claimed, { state: 'succeeded', lease: 'none', outbox: ['frame', 'event'] });
    await ledger.replace(claimed, settled);
    expect(await where()).toEqual(['outbox']);
    await ledger.replace(settled, changeRun(settled, { outbox: [] }));
    expect(await where()).toEqual([]);
  });

  it('never shows a row that was created terminal and drained', async () => {
    const ledger = await make();
    const skipped = rows()({ state: 'skipped', outcome: { code: 'stale' } });
    await ledger.create(skipped);
    for (const state of ['queued', 'running', 'held', 'outbox'] as const)
      expect(await ask(ledger, { state })).toEqual([]);
  });
}

function listContract(make: () => Promise<Ledger>): void {
  it('lists the runs of a UTC day by queue, actor and tenant, oldest first, terminal or not', async () => {
    const ledger = await make();
    const row = rows();
    const days = [noonMs - dayMs / 2, noonMs - dayMs / 2 - 1, noonMs, noonMs + dayMs / 2 - 1, noonMs + dayMs / 2];
    const all = days.map((createdMs) => row({ createdMs, state: 'skipped' }));
    const strangers = [
      row({ queue: 'system', task: 'runs.reap' }),
      row({ actor: { kind: 'human', id: 'ada#2026-01-05' } }),
      row({ tenant: 'acme2' }),
    ];
    for (const one of [...all, ...strangers].toReversed()) await ledger.create(one);
    const today = [all[0], all[2], all[3]].map((one) => one?.id);
    const listed = async (by: 'queue' | 'actor' | 'tenant', key: string) => ledger.list({ by, key, day: '2026-01-05' });
    const without = async (by: 'queue' | 'actor' | 'tenant', key: string) =>
      (await listed(by, key)).filter((id) => !strangers.some((one) => one.id === id));
    expect(await without('queue', 'ingestion')).toEqual(today);
    expect(await without('actor', 'ada')).toEqual(today);
    expect(await without('tenant', 'acme')).toEqual(today);
    expect(await listed('queue', 'system')).toEqual([strangers[0]?.id]);
    expect(await listed('actor', 'ada#2026-01-05')).toEqual([strangers[1]?.id]);
    expect(await listed('tenant', 'acme2')).toEqual([strangers[2]?.id]);
    expect(await ledger.list({ by: 'queue', key: 'ingestion', day: '2026-01-04' })).toEqual([all[1]?.id]);
    expect(await ledger.list({ by: 'queue', key: 'ingestion', day: '2026-01-07' })).toEqual([]);
  });

  it('lists rows that were created in the same millisecond in the order of their ids', async () => {
    const ledger = await make();
    const row = rows();
    const all = Array.from({ length: 12 }, () => row());
    for (const one of all) await ledger.create(one);
    const found = await ledger.list({ by: 'tenant', key: 'acme', day: '2026-01-05' });
    expect(found).toEqual(all.map(({ id }) => id).toSorted());
  });

  it('pages through the runs of a day, newest first, each once, whichever shard they are in', async () => {
    const ledger = await make();
    const row = rows();
    // Some of them in the same millisecond.
    const all = Array.from({ length: 23 }, (_, number) => row({ createdMs: noonMs + Math.floor(number / 3) * 1000 }));
    for (const one of all) await ledger.create(one);
    for (const stranger of [row({ createdMs: noonMs + dayMs }), row({ tenant: 'acme2' })])
      await ledger.create(stranger);
    const query = { by: 'tenant', key: 'acme', day: '2026-01-05', limit: 5 } as const;
    const seen: string[] = [];
    let before: string | undefined;
    for (let full = true; full;) {
      const hits = await ledger.page({ ...query, ...(before === undefined ? {} : { before }) });
      expect(hits.length).toBeLessThanOrEqual(5);
      seen.push(...hits.map(({ id }) => id));
      before = hits.at(-1)?.at;
      full = hits.length === 5;
    }
    const newestFirst = all.toSorted((one, other) =>
      one.createdMs === other.createdMs ? (one.id < other.id ? 1 : -1) : other.createdMs - one.createdMs,
    );
    expect(seen).toEqual(newestFirst.map(({ id }) => id));
    expect(await ledger.page({ ...query, by: 'actor', key: 'ada', limit: 100 })).toHaveLength(24);
    expect(await ledger.page({ ...query, day: '2026-01-04' })).toEqual([]);
  });
}

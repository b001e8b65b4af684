import { describe, expect, it } from 'vitest';
import { findBreaks } from '#core/audit-breaks.ts';
import { nextRow } from '#core/audit-chain.ts';
import { Failure } from '#core/errors.ts';
import type { AuditEntry, AuditLog, AuditQuery, AuditRow } from '#core/ports.ts';
import { sha256 } from '#runtime/hash.ts';

export const noonMs = Date.UTC(2026, 0, 5, 12);
const noon = '2026-01-05T12';
const dayMs = 86_400_000;

export const auditEntry = (over: Partial<AuditEntry> = {}): AuditEntry => ({
  effect: 'artefacts.put',
  subject: '019b8f3e-0000-7000-8000-000000000001',
  task: 'ingest.pull',
  tenant: 'acme',
  actor: { kind: 'human', id: 'ada' },
  fence: 1,
  atMs: noonMs,
  ...over,
});

/** A chain of these entries, not yet written. */
export function auditChain(entries: readonly Partial<AuditEntry>[], writer = 'environment-1', hour = noon): AuditRow[] {
  const rows: AuditRow[] = [];
  for (const over of entries) {
    rows.push(nextRow(sha256, { hour, writer }, { entry: auditEntry(over), last: rows.at(-1) }));
  }
  return rows;
}
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));

async function writeAll(log: AuditLog, rows: readonly AuditRow[]): Promise<void> {
  for (const row of rows) expect(await log.append(row)).toBe('written');
}
/** Every page to the last, and how many there were. */
async function pagesOf(log: AuditLog, query: Pick<AuditQuery, 'of' | 'limit'>) {
  const pages: AuditRow[][] = [];
  for (let cursor: string | undefined; ;) {
    const page = await log.page({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    pages.push([...page.rows]);
    cursor = page.cursor;
    if (cursor === undefined) return pages;
  }
}

/** What writer, anchor, verifier and gateway rely on in the table of the audit, whichever it is. */
export function auditContract(name: string, make: () => Promise<AuditLog>): void {
  describe(`audit: ${name}`, () => {
    it('gives back rows as they were written, in the order of their places, and their hashes hold', async () => {
      const log = await make();
      const deep = times(40, () => 0).reduce<unknown>((inner) => ({ inner }), 'at the bottom');
      const rows = auditChain([
        { arguments: { big: 1e300, small: -0.000_000_1, none: null, list: [], text: '', lone: '\\ud800' } },
        { arguments: deep, actor: { kind: 'service', id: 'svc', onBehalfOf: 'ada' }, from: '203.0.113.7' },
        { outcome: 'failed', reason: 'é 漢字 \u{1F600}', effect: 'operation.cancel' },
        ...times(12, (index) => ({ subject: `schedule#${index}`, arguments: index })),
      ]);
      await writeAll(log, rows.toReversed());
      const found = await log.chain(noon, 'environment-1');
      expect(found).toEqual(rows);
      expect(findBreaks(sha256, { hour: noon, writer: 'environment-1', rows: found }, rows.at(-1))).toEqual([]);
      expect(await log.chain(noon, 'environment-2')).toEqual([]);
      expect(await log.chain('2026-01-05T13', 'environment-1')).toEqual([]);
    });

    it('lets nobody write over a row, and takes the same row twice for one', async () => {
      const log = await make();
      const [row] = auditChain([{}]) as [AuditRow];
      const [other] = auditChain([{ tenant: 'other' }]) as [AuditRow];
      expect(await log.append(row)).toBe('written');
      expect(await log.append(other)).toBe('exists');
      expect(await log.append(row)).toBe('written');
      expect(await log.chain(noon, 'environment-1')).toEqual([row]);
      const racers = times(6, (index) => auditChain([{ fence: index }], 'racer')[0]!);
      const answers = await Promise.all(racers.map((one) => log.append(one)));
      expect(answers.toSorted()).toEqual([...times(5, () => 'exists'), 'written']);
      expect(await log.chain(noon, 'racer')).toEqual([racers[answers.indexOf('written')]]);
    });

    it('names the writers of an hour, each once', async () => {
      const log = await make();
      await writeAll(log, [
        ...auditChain([{}, {}, {}], 'one'),
        ...auditChain([{}], 'one/2'),
        ...auditChain([{}, {}], 'two'),
        ...auditChain([{}], 'later', '2026-01-05T13'),
      ]);
      expect((await log.writers(noon)).toSorted()).toEqual(['one', 'one/2', 'two']);
      expect(await log.writers('2026-01-05T13')).toEqual(['later']);
      expect(await log.writers('2026-01-05T11')).toEqual([]);
    });

    it('hands out copies', async () => {
      const log = await make();
      const [row] = auditChain([{ arguments: { names: ['a'] } }]) as [AuditRow];
      await log.append(row);
      const read = (await log.chain(noon, 'environment-1'))[0] as { arguments?: { names: string[] } };
      read.arguments?.names.push('b');
      expect(await log.chain(noon, 'environment-1')).toEqual([row]);
    });

    pagingContract(make);
  });
}

function pagingContract(make: () => Promise<AuditLog>): void {
  it('pages what was done to a subject, newest first, over all writers and hours', async () => {
    const log = await make();
    const mine = times(17, (index) => ({ subject: 'run-1', atMs: noonMs + ((index * 7) % 17) * 1000 }));
    await writeAll(log, auditChain([...mine.slice(0, 9), { subject: 'run-2' }], 'one'));
    await writeAll(log, auditChain(mine.slice(9), 'two', '2026-01-05T13'));
    const pages = await pagesOf(log, { of: { subject: 'run-1' }, limit: 5 });
    expect(pages.map((page) => page.length)).toEqual([5, 5, 5, 2]);
    expect(pages.flat().map(({ atMs }) => (atMs - noonMs) / 1000)).toEqual(times(17, (index) => 16 - index));
    expect(pages.flat().every(({ subject }) => subject === 'run-1')).toBe(true);
    expect((await log.page({ of: { subject: 'nobody' }, limit: 5 })).rows).toEqual([]);
  });

  it("pages a tenant's UTC day, and no other tenant's nor day's rows", async () => {
    const log = await make();
    const edges = [noonMs - dayMs / 2, noonMs + dayMs / 2 - 1].map((atMs) => ({ atMs }));
    const outside = [noonMs - dayMs / 2 - 1, noonMs + dayMs / 2].map((atMs) => ({ atMs }));
    const inside = times(38, (index) => ({ atMs: noonMs + index }));
    await writeAll(log, auditChain([...edges, ...outside, ...inside, { tenant: 'acme2' }, { tenant: 'other' }]));
    const of = { tenant: 'acme', day: '2026-01-05' };
    const pages = await pagesOf(log, { of, limit: 20 });
    expect(pages.map((page) => page.length)).toEqual([20, 20]);
    const wanted = [...edges, ...inside].map(({ atMs }) => atMs).toSorted((one, other) => other - one);
    expect(pages.flat().map(({ atMs }) => atMs)).toEqual(wanted);
    expect((await log.page({ of: { ...of, day: '2026-01-07' }, limit: 5 })).rows).toEqual([]);
  });

  it('orders rows of one millisecond, and loses none of them at the end of a page', async () => {
    const log = await make();
    for (const writer of ['one', 'two', 'three'])
      await writeAll(
        log,
        auditChain(
          times(11, () => ({})),
          writer,
        ),
      );
    for (const of of [{ tenant: 'acme', day: '2026-01-05' }, { subject: auditEntry().subject }]) {
      const rows = (await pagesOf(log, { of, limit: 4 })).flat();
      const places = rows.map(({ writer, seq }) => `${writer} ${seq}`);
      expect(new Set(places).size).toBe(33);
      expect(places).toHaveLength(33);
    }
  });

  it('keeps to its cursor while rows are added, and refuses one that is none', async () => {
    const log = await make();
    const of = { subject: auditEntry().subject };
    await writeAll(log, auditChain(times(6, (index) => ({ atMs: noonMs + index }))));
    const first = await log.page({ of, limit: 3 });
    await writeAll(log, auditChain([{ atMs: noonMs + 100 }], 'two'));
    const second = await log.page({ of, limit: 3, cursor: first.cursor ?? '' });
    expect(second.rows.map(({ atMs }) => atMs - noonMs)).toEqual([2, 1, 0]);
    expect(second).not.toHaveProperty('cursor');
    expect(first.cursor).not.toContain('environment');
    for (const cursor of ['', 'zzz', '%', btoa('001#x')]) {
      await expect(log.page({ of, limit: 3, cursor })).rejects.toSatisfy(
        (error) => error instanceof Failure && error.code === 'INPUT_INVALID',
      );
    }
  });
}

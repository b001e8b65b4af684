import { describe, expect, it } from 'vitest';
import { findBreaks } from '#core/audit-breaks.ts';
import { auditWriter } from '#core/audit-writer.ts';
import type { AuditEntry, AuditLog, AuditRow } from '#core/ports.ts';
import { memoryAuditLog } from '#memory/audit-log.ts';
import { memoryClock } from '#memory/clock.ts';
import { sha256 } from '#runtime/hash.ts';
import { rejection } from './support.ts';

const hour = '2026-01-05T12';
const entry = (over: Partial<AuditEntry> = {}): AuditEntry => ({
  effect: 'artefacts.put',
  subject: '019b8f3e-0000-7000-8000-000000000001',
  tenant: 'acme',
  actor: { kind: 'human', id: 'ada' },
  fence: 1,
  atMs: Date.UTC(2026, 0, 5, 12),
  ...over,
});

function bench(owner = 'environment-1') {
  const log = memoryAuditLog();
  const clock = memoryClock();
  const writes: AuditRow[] = [];
  const append: AuditLog['append'] = async (row) => (writes.push(row), log.append(row));
  const port = { append };
  const sink = auditWriter({ log: { append: (row) => port.append(row) }, clock, hash: sha256, owner });
  const breaks = async (writer = owner, of = hour) =>
    findBreaks(sha256, { hour: of, writer, rows: await log.chain(of, writer) });
  return { log, clock, writes, port, sink, breaks };
}

describe('the writer of the audit', () => {
  it('chains what is written at once, in the order in which it was asked for', async () => {
    const { log, sink, breaks } = bench();
    const subjects = Array.from({ length: 30 }, (_, index) => `run-${index}`);
    await Promise.all(subjects.map((subject) => sink.intent(entry({ subject }))));
    const rows = await log.chain(hour, 'environment-1');
    expect(rows.map(({ subject }) => subject)).toEqual(subjects);
    expect(rows.map(({ seq }) => seq)).toEqual(subjects.map((_, index) => index + 1));
    expect(await breaks()).toEqual([]);
  });

  it('writes twice for an action: its intent and its outcome', async () => {
    const { writes, sink } = bench();
    await sink.intent(entry());
    await sink.outcome({ ...entry(), outcome: 'done' });
    expect(writes.map(({ outcome }) => outcome)).toEqual([undefined, 'done']);
  });

  it('opens a chain an hour, by the time of writing', async () => {
    const { log, clock, sink, breaks } = bench();
    await sink.intent(entry());
    await clock.advance(3_600_000);
    await sink.outcome({ ...entry(), outcome: 'done' });
    expect((await log.chain(hour, 'environment-1')).map(({ seq }) => seq)).toEqual([1]);
    expect((await log.chain('2026-01-05T13', 'environment-1')).map(({ seq }) => seq)).toEqual([1]);
    expect([...(await breaks()), ...(await breaks('environment-1', '2026-01-05T13'))]).toEqual([]);
  });

  it('rejects an intent that cannot be written, and goes on under another name: nothing is written over', async () => {
    const { log, port, sink, breaks } = bench();
    const append = port.append;
    await sink.intent(entry({ subject: 'run-1' }));
    // Carried out, but its answer was lost: nobody knows.
    port.append = async (row) => {
      await append(row);
      throw new Error('the connection was lost');
    };
    expect(await rejection(sink.intent(entry({ subject: 'run-2' })))).toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
    port.append = append;
    await sink.intent(entry({ subject: 'run-3' }));
    expect((await log.writers(hour)).toSorted()).toEqual(['environment-1', 'environment-1/2']);
    expect((await log.chain(hour, 'environment-1')).map(({ subject }) => subject)).toEqual(['run-1', 'run-2']);
    expect((await log.chain(hour, 'environment-1/2')).map(({ subject }) => subject)).toEqual(['run-3']);
    expect([...(await breaks()), ...(await breaks('environment-1/2'))]).toEqual([]);
  });

  it('leaves a place that is taken to whoever took it, and gives up after three', async () => {
    const { log, port, sink } = bench();
    const other = auditWriter({ log, clock: memoryClock(), hash: sha256, owner: 'environment-1' });
    await other.intent(entry({ subject: 'theirs' }));
    await sink.intent(entry({ subject: 'ours' }));
    expect((await log.chain(hour, 'environment-1')).map(({ subject }) => subject)).toEqual(['theirs']);
    expect((await log.chain(hour, 'environment-1/2')).map(({ subject }) => subject)).toEqual(['ours']);
    let tries = 0;
    port.append = async () => ((tries += 1), 'exists');
    await expect(sink.intent(entry())).rejects.toThrow('3 places in a row were taken');
    expect(tries).toBe(3);
  });

  it('keeps no secret, nothing large and nothing that would be read otherwise than it was written', async () => {
    const { log, sink, breaks } = bench();
    const secret = `ghp_${'a1B2'.repeat(9)}`;
    await sink.intent(entry({ reason: `with ${secret}`, arguments: { password: 'hunter2-hunter2', note: secret } }));
    await sink.intent(entry({ arguments: { list: 'x'.repeat(5000) } }));
    await sink.intent(entry({ reason: 'half \ud800', arguments: { count: 12n, gone: undefined } }));
    const rows = await log.chain(hour, 'environment-1');
    expect(JSON.stringify(rows)).not.toContain('hunter2');
    expect(JSON.stringify(rows)).not.toContain(secret);
    expect(rows[0]?.subject).toBe(entry().subject);
    expect(rows[1]?.arguments).toEqual({ omitted: 'too large to keep', bytes: 5011 });
    expect(rows[2]).toMatchObject({ reason: 'half \ufffd', arguments: { count: '12' } });
    expect(await breaks()).toEqual([]);
  });
});

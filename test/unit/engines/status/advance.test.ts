import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advance, parseHistory } from '#engines/status/advance.ts';
import { statusHistorySchema } from '#engines/status/model.ts';
import type { Incident, StatusSample } from '#engines/status/model.ts';
import { MINUTE_MS, START_MS, queue, run, sample, shownOf } from './support.ts';

const stuck: Partial<StatusSample> = { queues: [queue({ oldestAgeMs: 400_000 })] };
const slow: Partial<StatusSample> = { queues: [queue({ oldestAgeMs: 70_000 })] };
const halted: Partial<StatusSample> = { switchState: 'halted', ...stuck };
const iso = (minute: number): string => new Date(START_MS + minute * MINUTE_MS).toISOString();

describe('a component', () => {
  it('is operational from its first good sample', () => {
    const [first] = run(1);
    expect(first?.components.map((component) => [component.id, component.shown])).toEqual([
      ['kill-switch', 'operational'],
      ['queue:ingestion', 'operational'],
      ['schedule:killswitch-heartbeat', 'operational'],
    ]);
  });

  it('is unknown until three bad samples have settled what is wrong with it', () => {
    const shown = run(3, () => stuck).map((history) => shownOf(history, 'queue:ingestion'));
    expect(shown).toEqual(['unknown', 'unknown', 'outage']);
  });

  it('shows a halt at once and its release at once, and what is seen meanwhile counts for nothing', () => {
    const histories = run(9, (minute) => (minute >= 2 && minute < 7 ? halted : {}));
    expect(histories.map((history) => shownOf(history, 'queue:ingestion'))).toEqual([
      ...Array<string>(2).fill('operational'),
      ...Array<string>(5).fill('halted'),
      ...Array<string>(2).fill('operational'),
    ]);
    expect(shownOf(histories[4], 'kill-switch')).toBe('halted');
    expect(shownOf(histories[4], 'schedule:killswitch-heartbeat')).toBe('operational');
  });

  it('does not count a streak across a halt', () => {
    const histories = run(8, (minute) => (minute === 3 ? halted : minute < 1 ? {} : stuck));
    const shown = histories.map((history) => shownOf(history, 'queue:ingestion'));
    expect(shown.slice(3)).toEqual(['halted', 'operational', 'operational', 'outage', 'outage']);
  });

  it('becomes unknown after three samples without data, and is what it was when they come back', () => {
    const histories = run(6, (minute) => (minute > 0 && minute < 4 ? { queues: [] } : {}));
    expect(histories.map((history) => shownOf(history, 'queue:ingestion'))).toEqual([
      ...Array<string>(3).fill('operational'),
      'unknown',
      ...Array<string>(2).fill('operational'),
    ]);
  });

  it('is forgotten after a day without data, and its incident closed', () => {
    const histories = run(1460, (minute) => (minute < 3 ? stuck : { queues: [] }));
    expect(histories[1400]?.components).toHaveLength(3);
    expect(histories.at(-1)?.components).toHaveLength(2);
    expect(histories.at(-1)?.incidents[0]?.endedAt).not.toBeNull();
  });

  it('does not join samples across a silence of the sync', () => {
    const before = run(3, (minute) => (minute > 0 ? stuck : {})).at(-1);
    const after = advance(before, sample(60, stuck));
    expect(shownOf(after, 'queue:ingestion')).toBe('operational');
  });

  it('keeps sixty samples and ninety days, the worst of each, with days unseen as unknown', () => {
    let history = run(70).at(-1);
    expect(history?.components[1]?.recent).toBe('o'.repeat(60));
    const day = 24 * 60;
    for (const minute of [day, day + 1, day + 2]) history = advance(history, sample(minute, stuck));
    history = advance(history, sample(3 * day));
    expect(history?.components[1]?.days).toEqual({ last: '2026-11-23', states: 'oxux' });
    history = advance(history, sample(500 * day));
    expect(history.components[1]?.days.states).toHaveLength(90);
  });
});

describe('incidents', () => {
  it('stand from the first bad sample to the first good one, with the worst they came to', () => {
    const histories = run(20, (minute) => (minute >= 2 && minute < 5 ? slow : minute >= 5 && minute < 10 ? stuck : {}));
    expect(histories[3]?.incidents).toEqual([]);
    expect(histories[4]?.incidents).toMatchObject([{ severity: 'degraded', startedAt: iso(2), endedAt: null }]);
    expect(histories[8]?.incidents).toMatchObject([{ severity: 'outage', startedAt: iso(2), endedAt: null }]);
    expect(histories[13]?.incidents).toMatchObject([{ endedAt: null }]);
    expect(histories.at(-1)?.incidents).toEqual([
      {
        id: `queue:ingestion/fault/${iso(2)}`,
        component: 'queue:ingestion',
        kind: 'fault',
        severity: 'outage',
        startedAt: iso(2),
        endedAt: iso(10),
        detail: expect.stringContaining('Oldest message waits 7 min, objective 60 s'),
      },
    ]);
  });

  it('include a halt, at once, which not being able to read the switch does not end', () => {
    const states = ['clear', 'halted', 'unknown', 'halted', 'clear'] as const;
    const histories = run(5, (minute) => ({ switchState: states[minute] ?? 'clear' }));
    const ends = histories.map((history) => history.incidents.map((incident) => incident.endedAt));
    expect(ends).toEqual([[], [null], [null], [null], [iso(4)]]);
    expect(histories.at(-1)?.incidents[0]).toMatchObject({ kind: 'halt', severity: 'halted', startedAt: iso(1) });
  });

  const minuteSample = fc.record({
    oldestAgeMs: fc.constantFrom(1_000, 70_000, 400_000, Number.NaN),
    deadLetters: fc.constantFrom(0, 0, 0, 2),
    switchState: fc.constantFrom(
      'clear' as const,
      'clear' as const,
      'clear' as const,
      'halted' as const,
      'unknown' as const,
    ),
    repeat: fc.integer({ min: 1, max: 8 }),
  });

  it('are never lost, never doubled, and agree with the settled states, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(minuteSample, { maxLength: 60 }), (phases) => {
        const minutes = phases.flatMap((phase) => Array<typeof phase>(phase.repeat).fill(phase));
        const histories = run(minutes.length, (minute) => {
          const { oldestAgeMs, deadLetters, switchState } = minutes[minute] ?? minuteOfPeace;
          return { queues: [queue({ oldestAgeMs, deadLetters })], switchState };
        });
        let known = new Map<string, Incident>();
        for (const history of histories) {
          const now = new Map(history.incidents.map((incident) => [incident.id, incident]));
          expect(now.size).toBe(history.incidents.length);
          const closed = [...known.values()].filter((incident) => incident.endedAt !== null);
          for (const [id, incident] of known) {
            if (incident.endedAt === null || closed.length < 100) expect(now.has(id)).toBe(true);
            if (incident.endedAt !== null) expect(now.get(id) ?? incident).toEqual(incident);
          }
          const open = [...now.values()].filter((each) => each.endedAt === null && each.kind === 'fault');
          const bad = history.components.filter((each) => each.settled !== null && each.settled !== 'operational');
          expect(open.map((each) => each.component).toSorted()).toEqual(bad.map((each) => each.id).toSorted());
          known = now;
        }
        expect(statusHistorySchema.safeParse(histories.at(-1) ?? emptyHistory).success).toBe(true);
      }),
    );
  });

  it('keep all open ones and the last hundred closed', () => {
    const dead = queue({ queue: 'dead', deadLetters: 1 });
    const histories = run(1500, (minute) => ({
      queues: [dead, minute === 0 || minute >= 1495 || minute % 10 < 5 ? queue() : (slow.queues?.[0] ?? queue())],
    }));
    const incidents = histories.at(-1)?.incidents ?? [];
    expect(incidents).toHaveLength(101);
    expect(incidents[0]).toMatchObject({ component: 'queue:dead', startedAt: iso(0), endedAt: null });
    expect(incidents.at(-1)?.startedAt).toBe(iso(1485));
  });
});

const minuteOfPeace = { oldestAgeMs: 0, deadLetters: 0, switchState: 'clear' as const };
const emptyHistory = { v: 1, at: iso(0), components: [], incidents: [] };

describe('history', () => {
  it('is not moved by a sample that comes twice or late', () => {
    const histories = run(4);
    expect(advance(histories[3], sample(3, stuck))).toBe(histories[3]);
    expect(advance(histories[3], sample(1, stuck))).toBe(histories[3]);
  });

  it('goes through JSON unchanged, and starts afresh from anything else', () => {
    const history = run(10, (minute) => (minute > 3 ? stuck : {})).at(-1);
    expect(parseHistory(JSON.parse(JSON.stringify(history)))).toEqual(history);
    for (const other of [undefined, null, {}, 'x', { ...history, v: 2 }]) expect(parseHistory(other)).toBeUndefined();
  });
});

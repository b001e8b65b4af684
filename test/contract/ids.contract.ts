import { describe, expect, it } from 'vitest';
import { requestRunId, slotName, tickRunId, type Ids } from '#core/ids.ts';
import { parseMessage, pointerBody } from '#core/envelope.ts';

/** What rows and messages rely on in ids, whichever their source is. */
export function idsContract(name: string, make: () => Ids): void {
  describe(`ids: ${name}`, () => {
    it('makes run ids of version 7 that never repeat and sort by when they were made', () => {
      const ids = make();
      const made = Array.from({ length: 5000 }, () => ids.runId());
      expect(new Set(made).size).toBe(5000);
      expect(made.toSorted()).toEqual(made);
      for (const id of made)
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    });

    it('names things by version 5: the same for the same name for ever, here and on AWS', () => {
      const ids = make();
      // Computed once with Python: uuid.uuid5(uuid.UUID('c0f7a5b2-6f0e-5d0b-9b57-3d6f1f0a4e21'), name).
      expect(ids.named('')).toBe(ofNothing);
      expect(ids.named('tick/prod/runs-reap/2026-11-21T12:00:00Z')).toBe(ofTick);
      expect(ids.named('ü🛑')).toBe(ofUnicode);
    });

    it('gives one slot one run, whatever its milliseconds, and other cells, schedules and minutes another', () => {
      const ids = make();
      const slotMs = Date.UTC(2026, 10, 21, 12);
      const id = tickRunId(ids, 'prod', { schedule: 'runs-reap', slotMs });
      expect(slotName(slotMs)).toBe('2026-11-21T12:00:00Z');
      expect(id).toBe(ofTick);
      const others = [
        tickRunId(ids, 'dev', { schedule: 'runs-reap', slotMs }),
        tickRunId(ids, 'prod', { schedule: 'status-sync', slotMs }),
        tickRunId(ids, 'prod', { schedule: 'runs-reap', slotMs: slotMs + 60_000 }),
        requestRunId(ids, { cell: 'prod', tenant: 'runs-reap', actor: '' }, '2026-11-21T12:00:00Z'),
      ];
      expect(new Set([id, ...others]).size).toBe(5);
    });

    it('makes a traceparent that a pointer may carry, and a new one each time', () => {
      const ids = make();
      const traceparents = Array.from({ length: 100 }, () => ids.traceparent());
      expect(new Set(traceparents).size).toBe(100);
      for (const traceparent of traceparents) {
        expect(traceparent).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/);
        const pointer = { v: 1, run: ids.runId(), generation: 1, send: 1, tenant: 'acme', cell: 'test' } as const;
        const body = pointerBody({ ...pointer, queue: 'ingestion', task: 'ingest.pull', traceparent, hops: 0 });
        expect(parseMessage(body, 'ingestion').kind).toBe('pointer');
      }
    });

    it('draws chance from 0 to 1, evenly', () => {
      const ids = make();
      const drawn = Array.from({ length: 4000 }, () => ids.random());
      expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...drawn)).toBeLessThan(1);
      const tenths = Array.from({ length: 10 }, (_, tenth) => drawn.filter((one) => Math.floor(one * 10) === tenth));
      for (const tenth of tenths) expect(Math.abs(tenth.length - 400)).toBeLessThan(120);
    });
  });
}

const ofNothing = '042ea6da-a23c-561a-be21-1dd412f1de25';
const ofTick = '621279e7-7202-5350-a4d4-c27f5b5bd967';
const ofUnicode = '8081ba02-6d64-5ecf-8b5c-17375f103958';

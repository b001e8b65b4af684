import { describe, expect, it } from 'vitest';
import { positionText, type Position } from '#core/frame-order.ts';
import type { ProgressChannel } from '#core/ports.ts';
import type { Frame } from '#core/progress.ts';

export const frameOf = (run: string, [fence, seq]: readonly [number, number], more: Partial<Frame> = {}): Frame => ({
  v: 1,
  run_id: run,
  fence,
  seq,
  ts: '2026-01-05T12:00:00.000Z',
  state: 'running',
  ...more,
});

const places = (frames: readonly Frame[]): string[] => frames.map(positionText);

/** What readers of progress rely on, whichever the channel is. */
export function progressContract(name: string, make: () => Promise<ProgressChannel>): void {
  describe(`progress: ${name}`, () => {
    it('has nothing of a run that never said anything', async () => {
      const channel = await make();
      expect(await channel.read('run-0')).toEqual([]);
    });

    it('reads back each frame as it was published, and keeps runs apart', async () => {
      const channel = await make();
      const frame = frameOf('run-1', [1, 1], {
        pct: 12.5,
        stage: 'bronze → silver',
        metrics: { rows: 5105 },
        eta_s: 3,
      });
      await channel.publish(frame);
      await channel.publish(frameOf('run-2', [1, 1]));
      expect(await channel.read('run-1')).toEqual([frame]);
    });

    it('reads on from a position, so much at a time', async () => {
      const channel = await make();
      for (let seq = 1; seq <= 9; seq += 1) await channel.publish(frameOf('run-1', [2, seq]));
      const read = async (after: Position, limit?: number) =>
        places(await channel.read('run-1', { after, ...(limit === undefined ? {} : { limit }) }));
      expect(await read({ fence: 2, seq: 6 })).toEqual(['2.7', '2.8', '2.9']);
      expect(await read({ fence: 2, seq: 2 }, 2)).toEqual(['2.3', '2.4']);
      expect(await read({ fence: 2, seq: 9 })).toEqual([]);
      expect(await read({ fence: 3, seq: 0 })).toEqual([]);
      expect(await read({ fence: 0, seq: 0 }, 1)).toEqual(['2.1']);
    });

    it('reads the newest fence alone, wherever the reader stood, and knows the newest frame', async () => {
      const channel = await make();
      for (const at of [
        [0, 1],
        [1, 1],
        [1, 2],
        [3, 1],
        [3, 2],
      ] as const)
        await channel.publish(frameOf('run-1', at));
      for (const after of [
        { fence: 0, seq: 0 },
        { fence: 1, seq: 1 },
        { fence: 2, seq: 7 },
      ]) {
        expect(places(await channel.read('run-1', { after }))).toEqual(['3.1', '3.2']);
        expect(places(await channel.read('run-1', { after, limit: 1 }))).toEqual(['3.1']);
      }
      expect(await channel.latest('run-1')).toEqual(frameOf('run-1', [3, 2]));
      expect(await channel.latest('run-2')).toBeUndefined();
    });

    it('keeps no frame of an older claim that comes late, none twice, and none out of its order', async () => {
      const channel = await make();
      const sent = ['2.1', '1.3', '2.3', '2.2', '1.10', '2.3', '10.1', '2.4'];
      for (const at of sent) await channel.publish(frameOf('run-1', at.split('.').map(Number) as [number, number]));
      expect(places(await channel.read('run-1', { after: { fence: 9, seq: 5 } }))).toEqual(['10.1']);
      expect(places(await channel.read('run-1'))).toEqual(['10.1']);
    });

    it('keeps the latest of very many frames, at least ten thousand and not many more', async () => {
      const channel = await make();
      const all = Array.from({ length: 10_300 }, (_, at) => frameOf('run-1', [1, at + 1]));
      for (let at = 0; at < all.length; at += 100)
        await Promise.all(all.slice(at, at + 100).map((one) => channel.publish(one)));
      const kept: Frame[] = [];
      for (let page = await channel.read('run-1'); page.length > 0;) {
        expect(page.length).toBeLessThanOrEqual(1000);
        kept.push(...page);
        page = await channel.read('run-1', { after: page.at(-1)! });
      }
      expect(kept.length).toBeGreaterThanOrEqual(10_000);
      expect(kept.length).toBeLessThanOrEqual(10_200);
      expect(kept.at(-1)?.seq).toBe(10_300);
      expect(kept[0]?.seq).toBe(10_300 - kept.length + 1);
    });
  });
}

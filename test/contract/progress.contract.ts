import { describe, expect, it } from 'vitest';
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

    it('orders frames by fence and sequence, however late those of an older claim come', async () => {
      const channel = await make();
      const frames = [
        [2, 1],
        [1, 3],
        [2, 3],
        [2, 2],
        [1, 10],
        [10, 1],
      ] as const;
      for (const [fence, seq] of frames) await channel.publish(frameOf('run-1', [fence, seq]));
      expect((await channel.read('run-1')).map(({ fence, seq }) => [fence, seq])).toEqual([
        [1, 3],
        [1, 10],
        [2, 1],
        [2, 2],
        [2, 3],
        [10, 1],
      ]);
    });

    it('keeps the latest of very many frames, at least a thousand and not many more', async () => {
      const channel = await make();
      for (let seq = 1; seq <= 1300; seq += 1) await channel.publish(frameOf('run-1', [1, seq]));
      const kept = await channel.read('run-1');
      expect(kept.length).toBeGreaterThanOrEqual(1000);
      expect(kept.length).toBeLessThanOrEqual(1200);
      expect(kept.at(-1)?.seq).toBe(1300);
      expect(kept[0]?.seq).toBe(1300 - kept.length + 1);
    });
  });
}

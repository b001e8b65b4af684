import { describe, expect, it } from 'vitest';
import type { Lifecycle, LifecycleEvent } from '#core/ports.ts';

export interface LifecycleUnderTest {
  readonly lifecycle: Lifecycle;
  /** What has arrived, in order: name, and detail with its id. */
  readonly arrived: () => readonly { name: string; detail: unknown }[];
}
const event: LifecycleEvent = {
  id: 'b7c1a2de-0000-5000-8000-000000000001',
  name: 'RunSucceeded',
  detail: { run: 'run-1', task: 'ingest.pull', attempt: 2, code: undefined },
};

/** What those who hear of runs and halts rely on, whichever the bus is. */
export function lifecycleContract(name: string, make: () => Promise<LifecycleUnderTest>): void {
  describe(`lifecycle: ${name}`, () => {
    it('brings an event under its name, with its id in the detail', async () => {
      const { lifecycle, arrived } = await make();
      await lifecycle.emit(event);
      const detail = { id: event.id, run: 'run-1', task: 'ingest.pull', attempt: 2 };
      expect(arrived()).toEqual([{ name: 'RunSucceeded', detail }]);
    });

    it('brings events in the order in which they were emitted', async () => {
      const { lifecycle, arrived } = await make();
      for (const kind of ['HaltEngaged', 'HaltReleased', 'RunDead'] as const)
        await lifecycle.emit({ ...event, id: kind, name: kind });
      expect(arrived().map((one) => one.name)).toEqual(['HaltEngaged', 'HaltReleased', 'RunDead']);
    });

    it('never lets a detail take the place of the id that repetitions are known by', async () => {
      const { lifecycle, arrived } = await make();
      await lifecycle.emit({ ...event, detail: { id: 'something else' } });
      expect(arrived()[0]?.detail).toMatchObject({ id: event.id });
    });
  });
}

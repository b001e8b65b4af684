import { limits } from './catalogue/limits.ts';
import { untilWritten } from './conflict.ts';
import { queueRow, type QueueName } from './catalogue/queues.ts';
import { toMs } from './duration.ts';
import { slotRecordName, type SlotRecord } from './family.ts';
import type { Plane } from './plane.ts';

/** An executor's record of itself: which run each slot may hold, and that it is there. */
export interface SlotBook {
  /** Writes the record. @throws what the control table throws. */
  save(): Promise<void>;
  take(slot: number, run: string): Promise<void>;
  /** Never rejects: that a slot is free again may be said a renewal later. */
  free(slot: number): Promise<void>;
  isFree(): boolean;
  /** Says that no message is taken any more. Never rejects. */
  drain(): Promise<void>;
  /** Renews the record until the signal is aborted; never rejects. */
  renewUntil(signal: AbortSignal): Promise<void>;
}

/** Writes one record again and again; two slots share it, so its writes follow one another. */
function recordWriter(plane: Pick<Plane, 'control' | 'clock' | 'owner'>, valueOf: () => Omit<SlotRecord, 'renewedMs'>) {
  const name = slotRecordName(plane.owner);
  let rev = 0;
  let writing: Promise<unknown> = Promise.resolve();
  const write = async (): Promise<void> => {
    const nowMs = plane.clock.nowMs();
    const record: SlotRecord = { ...valueOf(), renewedMs: nowMs };
    const expiresAtMs = nowMs + toMs(limits.slotRecordRetention);
    // Nobody else writes it: a conflict means that a write of ours arrived whose answer was lost.
    await untilWritten(`the record ${name}`, async () => {
      const written = (await plane.control.write(name, record, rev, { expiresAtMs })) === 'written';
      rev = written ? rev + 1 : ((await plane.control.read(name))?.rev ?? 0);
      return written ? true : undefined;
    });
  };
  return (): Promise<void> => {
    const next = writing.then(write, write);
    writing = next.catch(() => undefined);
    return next;
  };
}

export function slotBook(
  plane: Pick<Plane, 'control' | 'clock' | 'owner'>,
  family: QueueName,
  slotCount: number,
): SlotBook {
  const slots: (string | null)[] = Array.from({ length: slotCount }, () => null);
  let draining = false;
  const save = recordWriter(plane, () => ({ family, slots: [...slots], draining }));
  const saveQuietly = async (): Promise<void> => void (await Promise.allSettled([save()]));
  return {
    save,
    take: (slot, run) => {
      slots[slot] = run;
      return save();
    },
    free: (slot) => {
      slots[slot] = null;
      return saveQuietly();
    },
    isFree: () => slots.every((run) => run === null),
    drain: () => {
      draining = true;
      return saveQuietly();
    },
    async renewUntil(signal) {
      const { lease } = queueRow(family);
      const everyMs = lease.kind === 'renewed' ? toMs(lease.renewEvery) : toMs(limits.executorSilentFor) / 3;
      while (!signal.aborted) {
        await Promise.allSettled([plane.clock.sleep(everyMs, signal)]);
        if (!signal.aborted) await saveQuietly();
      }
    },
  };
}

import { limits } from './catalogue/limits.ts';
import { queueRow, type QueueName } from './catalogue/queues.ts';
import { toMs } from './duration.ts';
import { Failure } from './errors.ts';
import { slotRecordName, type SlotRecord } from './family.ts';
import type { Plane } from './plane.ts';

/** An executor's record of itself: which run each slot may hold, and that it is there. */
export interface SlotBook {
  /** Writes the record. @throws Failure LEASE_LOST when somebody else writes it. */
  save(): Promise<void>;
  take(slot: number, run: string): Promise<void>;
  /** Never rejects: that a slot is free again may be said a renewal later. */
  free(slot: number): Promise<void>;
  isFree(): boolean;
  drain(draining: boolean): Promise<void>;
  leave(): Promise<void>;
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
    if ((await plane.control.write(name, record, rev, { expiresAtMs })) === 'written') {
      rev += 1;
      return;
    }
    throw new Failure('LEASE_LOST', `the record ${name} is written by another: two executors think that they are one`);
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
    drain: (value) => {
      draining = value;
      return saveQuietly();
    },
    leave: () => {
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

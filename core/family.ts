import { untilWritten } from './conflict.ts';
import type { QueueName } from './catalogue/queues.ts';
import type { Plane } from './plane.ts';
import { countWaiting } from './waiting.ts';

/** What the dispatcher knows of one family of executors, in the control table as `family#<queue>`. */
export interface FamilyRecord {
  /** Counts decisions; with the capacity's number it is the token that makes a repeated launch the same launch. */
  readonly seq: number;
  /** A decision that was written down and may or may not have been carried out. */
  readonly open?: {
    readonly count: number;
    /** Which capacity of the queue's row it is asked of: those before it had no room. */
    readonly capacity?: number;
  };
  /** Tasks that were launched and of which no end was told. */
  readonly executors: readonly { readonly task: string; readonly launchedMs: number }[];
  /** In a row: tasks that ended before they said a word, and launches that were refused. */
  readonly failedStarts: number;
  readonly lastFailure?: string;
  /** Nothing is launched before. */
  readonly backOffUntilMs?: number;
}
const familyRecordName = (family: QueueName): string => `family#${family}`;
const newFamily: FamilyRecord = { seq: 0, executors: [], failedStarts: 0 };

/** What an executor says of itself, in the control table as `slot#<task ARN>`. */
export interface SlotRecord {
  readonly family: QueueName;
  /** The run that each slot took up last, while it may hold it. */
  readonly slots: readonly (string | null)[];
  readonly renewedMs: number;
  /** It takes no message any more. */
  readonly draining: boolean;
}
export const slotRecordName = (task: string): string => `slot#${task}`;

export async function readFamily(plane: Pick<Plane, 'control'>, family: QueueName): Promise<FamilyRecord> {
  const record = await plane.control.read(familyRecordName(family));
  return (record?.value as FamilyRecord | undefined) ?? newFamily;
}

/** Changes the family's record by what `change` makes of it; resolves with what stands then. @throws LEDGER_CONFLICT */
export async function changeFamily(
  plane: Pick<Plane, 'control'>,
  family: QueueName,
  change: (record: FamilyRecord) => FamilyRecord,
): Promise<FamilyRecord> {
  const name = familyRecordName(family);
  return untilWritten(`the record ${name}`, async () => {
    const found = await plane.control.read(name);
    const next = change((found?.value as FamilyRecord | undefined) ?? newFamily);
    return (await plane.control.write(name, next, found?.rev ?? 0)) === 'written' ? next : undefined;
  });
}

export async function readSlots(plane: Pick<Plane, 'control'>, task: string): Promise<SlotRecord | undefined> {
  return (await plane.control.read(slotRecordName(task)))?.value as SlotRecord | undefined;
}

/** Whether the dispatcher would find something: a run that waits, a task it launched, a decision half carried out. */
export async function isWorthALook(
  plane: Pick<Plane, 'control' | 'ledger' | 'clock'>,
  family: QueueName,
): Promise<boolean> {
  const [{ open, executors }, waiting] = await Promise.all([readFamily(plane, family), countWaiting(plane, family, 1)]);
  return waiting > 0 || executors.length > 0 || open !== undefined;
}

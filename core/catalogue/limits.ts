import { days, minutes, seconds } from '../duration.ts';

/** Bounds that are nobody's queue, task or schedule, with the reason for each. */
export const limits = {
  /** A pointer has ten short fields; anything longer is not one of ours. */
  messageBytes: 4096,
  /** Hand-overs from run to run before a loop is assumed; AWS cuts at about 16 where it is not told otherwise. */
  maximumHops: 32,
  /** A payload beyond this goes to the bucket, so that a row stays near 1 KB. */
  inlinePayloadBytes: 512,
  payloadBytes: 256 * 1024,
  /** Written with every renewal of a lease: a larger one would cost write units each 15 s. */
  cursorBytes: 4096,
  /** SQS's own backstop, the most there is: attempts are counted in the ledger. */
  maximumReceives: 1000,
  queueRetention: days(14),
  /** 14 days in a queue, 14 in its DLQ, and the event's age: no late message may find its row gone. */
  runRetention: days(35),
  /** How long a queued run may go unclaimed before its message is assumed lost. */
  sendOverdueAfter: seconds(60),
  /** After a re-send the message had its second chance; a backlog, not a loss, is then the likely reason. */
  resendOverdueAfter: minutes(60),
  /** How long a slot has the schedule before its row must be there: both are written within one invocation's first second. */
  slotTakenFor: seconds(10),
  /** How long the outbox of a settled run may stand before the reaper drains it. */
  outboxOverdueAfter: seconds(60),
  /** An invocation's lease ends this long after its own deadline: before its message is back. */
  leaseBeyondDeadline: seconds(5),
  /** A message is hidden this long beyond its function's timeout. */
  visibilityBeyondTimeout: seconds(10),
  /** Rows that one reaping may touch in one partition. */
  reapBatch: 100,
  /** Runs let go a second after a release, so that a long halt does not end in a stampede. */
  releasesASecond: 100,
  /** Seconds of releasing in one reaping: half of its function's time. */
  releaseRounds: 20,
  /** An outbox that could not be drained, and a held row of a queue or task that is halted on its own, wait so long. */
  outboxRetryAfter: minutes(5),
  narrowedLookAgainAfter: minutes(1),
  /** While the switch cannot be read, messages come back after 5 s, doubling to this. */
  unknownFirstWait: seconds(5),
  unknownLongestWait: seconds(60),
  /** Work in flight is ended when the switch could not be read for this long. */
  unknownEndsWorkAfter: seconds(60),
} as const;

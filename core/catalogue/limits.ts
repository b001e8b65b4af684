import { days, hours, minutes, seconds } from '../duration.ts';

/** Bounds that are nobody's queue, task or schedule, with the reason for each. */
export const limits = {
  /** A pointer has ten short fields; anything longer is not one of ours. */
  messageBytes: 4096,
  /** Hand-overs from run to run before a loop is assumed; AWS cuts at about 16 where it is not told otherwise. */
  maximumHops: 32,
  /** A payload beyond this goes to the bucket, so that a row stays near 1 KB. */
  inlinePayloadBytes: 512,
  /** A request carries 1 MiB of it, an upload the rest; beyond this it is data, and named by its key. */
  payloadBytes: 4 * 1024 * 1024,
  /** Of a payload or a result that is shown with its run: an answer of Lambda has at most 6 MB. */
  shownBytes: 256 * 1024,
  /** Written with every renewal of a lease: a larger one would cost write units each 15 s. */
  cursorBytes: 4096,
  /** SQS's own backstop, the most there is: attempts are counted in the ledger. */
  maximumReceives: 1000,
  queueRetention: days(14),
  /** 14 days in a queue, 14 in its DLQ, and the event's age: no late message may find its row gone. */
  runRetention: days(35),
  /** Of what an action was done with, kept in its row of the audit: names, keys and sizes fit. */
  auditArgumentsBytes: 4096,
  /** Rows of the audit leave by TTL alone, long after their hour was signed and locked away. */
  auditRetention: days(400),
  /** An hour is anchored this long after its end: longer than any write of its last second can take. */
  auditSettlesWithin: minutes(5),
  /** The first anchor of all begins with the oldest hour within this that has rows. */
  auditBeginsWithin: days(7),
  /** Hours that one verification looks at; the next goes on at the hour that it names. */
  auditVerifyHours: 24 * 32,
  /** Rows that one verification reads; the next goes on at the hour that it names. */
  auditVerifyRows: 200_000,
  auditFindings: 1000,
  /** Chains read at a time. */
  auditWidth: 16,
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
  /** From receiving a message to having claimed its run and deleted it, in an executor. */
  claimWithin: seconds(15),
  /** Rows that the reaper reads at a time of one queue and state: as many as DynamoDB reads in one request. */
  reapBatch: 100,
  /** Rows of one queue and state that it works on at once, and of all together: who waits is served in turn. */
  reapWidth: 8,
  reapConcurrency: 32,
  /** Runs let go a second after a release, so that a long halt does not end in a stampede. */
  releasesASecond: 100,
  /** An outbox that could not be drained, and a held row of a queue or task that is halted on its own, wait so long. */
  outboxRetryAfter: minutes(5),
  /** A row that the reaper could not deal with. */
  reapRetryAfter: minutes(5),
  narrowedLookAgainAfter: minutes(1),
  /** Of a reason that is kept on a row. */
  reasonLength: 300,
  /** Slots looked at in one request, and of one schedule in one reconciliation; the next hour goes on. */
  reconcileBatch: 100,
  reconcileSlots: 2000,
  /** A slot counts as missed this long after Scheduler gave it up: its tick may be on its way through the queue. */
  slotDeliveryMargin: seconds(60),
  /** Slots older than this are not reconciled: nobody waits for them, and the rows of older ones may be gone. */
  reconcileHorizon: days(14),
  /** Dead letters that one sweep looks at, and how long they are hidden while it does. */
  lettersSwept: 500,
  letterHiddenFor: minutes(2),
  /** While the switch cannot be read, messages come back after 5 s, doubling to this. */
  unknownFirstWait: seconds(5),
  unknownLongestWait: seconds(60),
  /** Work in flight is ended when the switch could not be read for this long. */
  unknownEndsWorkAfter: seconds(60),
  /** Work due within this is worth an executor now: it takes about as long to start one. */
  dueWithin: seconds(60),
  /** Tasks in one RunTask call; ECS takes no more. */
  tasksALaunch: 10,
  /** A launched task that has not said a word by then never will. */
  startWithin: minutes(5),
  /** An executor that has not renewed its record for this long takes no work: its leases have ended, too. */
  executorSilentFor: seconds(45),
  /** It still counts against the maximum for so long: perhaps only its record could not be written. */
  executorForgottenAfter: minutes(3),
  failedStartsBeforeBackOff: 3,
  longestBackOffMinutes: 15,
  /** An executor without work waits this long for some before it ends. */
  executorIdle: minutes(2),
  /** How long a body may take to reach a checkpoint: in a halt or a cancellation, and when its container must end. */
  endsWithin: seconds(5),
  handsBackWithin: seconds(100),
  /** Between SIGTERM and SIGKILL for a body that did not end by itself. */
  termGrace: seconds(5),
  /** Records of executors are kept for those who look into what happened. */
  slotRecordRetention: days(7),
  /** API Gateway closes every WebSocket after two hours. */
  longestConnection: hours(2),
  subscriptionsAConnection: 50,
  /** What one connection may send. */
  socketMessages: { perSecond: 10, burst: 20 },
  socketMessageLength: 4096,
  /** What one caller may open: many pages that are left and come back to, not a loop. */
  socketConnects: { perSecond: 10, burst: 100 },
  ticketLife: seconds(60),
  /** API Gateway posts at most 128 KB at a time. */
  socketPostBytes: 100 * 1024,
  /** Connections that are posted to at a time: as many as the SDK has sockets. */
  relayWidth: 50,
  /** Frames read at a time for those who stand at the same position. */
  relayPage: 1000,
  /** After this a wake hands over to a new one: who has much to catch up with must not hold up the others for long. */
  relayWithin: seconds(2),
  /** A wake that failed comes back after 2, 4, 8 ... seconds, at most this. */
  relayLongestWait: seconds(30),
} as const;

/** What makes a metric appear; the tests that promise "a run leaves these lines" read this column. */
export type MetricSource = 'heartbeat' | 'run' | 'tick' | 'halt' | 'message' | 'dispatch' | 'reconcile';

export interface MetricRow {
  readonly namespace: 'AlphaSwarm/Tasks' | 'AlphaSwarm/Beat' | 'AlphaSwarm/KillSwitch';
  readonly unit: 'Count' | 'Milliseconds';
  /** Run ids are never dimensions: a series a run would be billed a run. */
  readonly dimension: 'queue' | 'schedule' | 'none';
  readonly source: MetricSource;
  readonly meaning: string;
}

const tasks = { namespace: 'AlphaSwarm/Tasks', unit: 'Count', dimension: 'queue', source: 'run' } as const;
const beat = { namespace: 'AlphaSwarm/Beat', unit: 'Count', dimension: 'schedule', source: 'tick' } as const;
const halt = { namespace: 'AlphaSwarm/KillSwitch', unit: 'Count', dimension: 'none', source: 'heartbeat' } as const;

/** Every metric of the plane, by its CloudWatch name. */
export const metrics = {
  RunSucceeded: { ...tasks, meaning: 'runs that ended well' },
  RunFailed: { ...tasks, meaning: 'runs given up at once: their failure is not retried' },
  RunDead: { ...tasks, meaning: 'runs whose attempts are spent' },
  RunRetried: { ...tasks, meaning: 'attempts that failed and will be repeated' },
  RunSkipped: { ...tasks, meaning: 'runs that were not due to be done: stale, overlapping, paused or halted' },
  RunDuration: { ...tasks, unit: 'Milliseconds', meaning: 'from claim to settle of an attempt' },
  MessageRejected: { ...tasks, source: 'message', meaning: 'messages sent to the dead-letter queue at once' },
  SlotCompleted: { ...beat, meaning: 'scheduled runs that ended well' },
  SlotSkipped: { ...beat, meaning: 'slots that were not run: stale, overlapping, paused or halted' },
  SlotMissed: { ...beat, source: 'reconcile', meaning: 'slots that were due and have no run: their tick never came' },
  SlotLateness: { ...beat, unit: 'Milliseconds', meaning: 'from scheduled time to claim' },
  Reachable: { ...halt, meaning: '1 where key, mirror and canary could be read' },
  Halted: { ...halt, meaning: '1 while the kill switch is engaged' },
  RoundTrip: { ...halt, unit: 'Milliseconds', meaning: 'write and read of the canary' },
  /** Without its queue: a halt is of all, and 120 series are all there may be. */
  RunHeld: { ...halt, source: 'halt', meaning: 'runs kept for after the halt' },
  HaltAmbiguous: {
    ...halt,
    source: 'halt',
    meaning: 'an external halt vanished and a failover may be why: still halted',
  },
  StartFailed: {
    ...halt,
    source: 'dispatch',
    meaning: 'executors that could not be started, or ended before they said a word',
  },
  SwitchUnknown: {
    ...halt,
    source: 'message',
    meaning: 'messages handed back because key or mirror could not be read',
  },
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof metrics;
export const metricNames = Object.keys(metrics) as MetricName[];

/** Constant messages of the log lines that operators search for; facts are fields. */
export const logLines = {
  runStarted: 'run started',
  runSettled: 'run settled',
  messageRejected: 'message rejected',
  switchUnknown: 'kill switch unknown',
  haltEngaged: 'halt engaged',
  haltReleased: 'halt released',
  switchRepaired: 'kill switch repaired',
  auditIntent: 'audit intent',
  auditOutcome: 'audit outcome',
  auditAnchored: 'audit hour anchored',
  auditBroken: 'audit hour anchored with breaks',
  frameLost: 'progress frame lost',
  outboxLeft: 'outbox left for the reaper',
  rowLeft: 'row left by the reaper',
  slotMissed: 'slot missed',
  operationDone: 'operation done',
  dispatched: 'executors dispatched',
  startFailed: 'executor start failed',
  executorStarted: 'executor started',
  executorEnding: 'executor ending',
  receiveFailed: 'receive failed',
  childEnded: 'child ended',
  requestFailed: 'request failed',
  notReady: 'not ready',
  unaudited: 'done although the audit could not be written',
  tokenRefused: 'token refused',
  socketDropped: 'socket dropped',
  relayFailed: 'frames not relayed',
} as const;
export type LogLine = (typeof logLines)[keyof typeof logLines];

import type { Clock, ProgressChannel } from './ports.ts';
import { isTerminal, type Run, type RunState } from './run.ts';

/** One message about a run in flight, on `pubsub:progress:<run_id>` and in the stream; ordered by (fence, seq). */
export interface Frame {
  readonly v: 1;
  readonly run_id: string;
  readonly fence: number;
  /** Dense from 1 within a fence. */
  readonly seq: number;
  /** ISO 8601, the plane's clock. */
  readonly ts: string;
  readonly state: RunState;
  readonly pct?: number;
  readonly stage?: string;
  readonly done?: number;
  readonly total?: number;
  readonly unit?: string;
  readonly eta_s?: number;
  readonly message?: string;
  readonly metrics?: Readonly<Record<string, number>>;
}

/** What a task says of its progress; the rest of the frame is ours. */
export type ProgressReport = Pick<Frame, 'pct' | 'stage' | 'done' | 'total' | 'unit' | 'eta_s' | 'message' | 'metrics'>;

/** Four frames a second: what lies between is merged into the next, so the latest word always arrives. */
const shortestGapMs = 250;

export interface ProgressReporter {
  report(report: ProgressReport): void;
  /** Sends what is still pending, and the sequence number of the last frame sent. Rejects never: frames may be lost. */
  flush(): Promise<number>;
}

/** Reports of one claim of one run. `onLost` hears of frames that could not be published. */
export function progressReporter(options: {
  run: Pick<Run, 'id' | 'fence'>;
  channel: ProgressChannel;
  clock: Clock;
  onLost: (cause: unknown) => void;
}): ProgressReporter {
  const { run, channel, clock, onLost } = options;
  let seq = 0;
  let highestPercent = 0;
  let lastSentMs = Number.NEGATIVE_INFINITY;
  let pending: ProgressReport | undefined;
  let sending: Promise<void> = Promise.resolve();

  const send = () => {
    if (!pending) return;
    highestPercent = Math.min(100, Math.max(highestPercent, pending.pct ?? 0));
    const pct = pending.pct === undefined ? {} : { pct: highestPercent };
    seq += 1;
    const frame: Frame = {
      v: 1,
      run_id: run.id,
      fence: run.fence,
      seq,
      ts: isoTime(clock),
      state: 'running',
      ...pending,
      ...pct,
    };
    pending = undefined;
    lastSentMs = clock.monotonicMs();
    // In a chain, because the order of frames is their meaning.
    sending = sending.then(() => channel.publish(frame)).catch(onLost);
  };

  return {
    report(report) {
      pending = { ...pending, ...report };
      if (clock.monotonicMs() - lastSentMs >= shortestGapMs) send();
    },
    async flush() {
      send();
      await sending;
      return seq;
    },
  };
}

/** The one terminal frame of a run, the one after those its owner sent. Any reader can make the same from the row. */
export function terminalFrame(run: Run): Frame {
  if (!isTerminal(run.state))
    throw new TypeError(`run ${run.id} is ${run.state}: only a terminal run has a terminal frame`);
  const message = run.outcome?.message;
  return {
    v: 1,
    run_id: run.id,
    fence: run.fence,
    seq: run.frames + 1,
    ts: new Date(run.settledMs ?? run.createdMs).toISOString(),
    state: run.state,
    ...(run.state === 'succeeded' ? { pct: 100 } : {}),
    ...(message === undefined ? {} : { message }),
  };
}

const isoTime = (clock: Clock): string => new Date(clock.nowMs()).toISOString();

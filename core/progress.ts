import type { Clock, ProgressChannel } from './ports.ts';
import { redact } from './redact.ts';
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

/**
 * Frames of a run that its stream keeps, about 250 bytes each: at four a second the last 40 minutes whole. So a watcher
 * whose laptop slept, or who moved from one network to another, misses nothing, and whoever comes later than that is told
 * `gap`. Four hundred runs that report without a pause for as long fill a gigabyte, and then the cache evicts the oldest.
 */
export const streamFrames = 10_000;

/** Four frames a second: what lies between is merged and sent when its time comes, so the latest word always arrives. */
const shortestGapMs = 250;

export interface ProgressReporter {
  /** What is reported after `flush` is dropped: the terminal frame is the last. */
  report(report: ProgressReport): void;
  /** Sends what is still pending, and the sequence number of the last frame sent. Rejects never: frames may be lost. */
  flush(): Promise<number>;
}

interface ReporterOptions {
  readonly run: Pick<Run, 'id' | 'fence'>;
  readonly channel: ProgressChannel;
  readonly clock: Clock;
  readonly onLost: (cause: unknown) => void;
}

/** Reports of one claim of one run. `onLost` hears of frames that could not be published. */
export function progressReporter(options: ReporterOptions): ProgressReporter {
  const { clock } = options;
  const frames = frameSender(options);
  const over = new AbortController();
  let lastSentMs = Number.NEGATIVE_INFINITY;
  let pending: ProgressReport | undefined;
  let waiting = false;

  const send = () => {
    if (!pending) return;
    frames.send(pending);
    pending = undefined;
    lastSentMs = clock.monotonicMs();
  };
  // A task may be silent for long after a report: without this its watchers would see the one before.
  const sendAfter = (ms: number) => {
    if (waiting) return;
    waiting = true;
    clock.sleep(ms, over.signal).then(
      () => {
        waiting = false;
        send();
      },
      () => undefined,
    );
  };

  return {
    report(report) {
      if (over.signal.aborted) return;
      pending = { ...pending, ...report };
      const leftMs = lastSentMs + shortestGapMs - clock.monotonicMs();
      if (leftMs <= 0) send();
      else sendAfter(leftMs);
    },
    async flush() {
      over.abort();
      send();
      return frames.allSent();
    },
  };
}

/** Numbers frames and publishes them in a chain, because their order is their meaning. */
function frameSender({ run, channel, clock, onLost }: ReporterOptions) {
  let seq = 0;
  let highestPercent = 0;
  let sending: Promise<void> = Promise.resolve();
  return {
    send(report: ProgressReport): void {
      // 0 of 0 rows is no percentage, and must not make nonsense of all that follow.
      const said = Number.isNaN(report.pct) ? 0 : (report.pct ?? 0);
      highestPercent = Math.min(100, Math.max(highestPercent, said));
      const pct = report.pct === undefined ? {} : { pct: highestPercent };
      seq += 1;
      const claim = { v: 1, run_id: run.id, fence: run.fence } as const;
      const clean = redact(report) as ProgressReport;
      const frame: Frame = { ...claim, seq, ts: isoTime(clock), state: 'running', ...clean, ...pct };
      sending = sending.then(() => channel.publish(frame)).catch(onLost);
    },
    async allSent(): Promise<number> {
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

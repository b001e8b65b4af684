// A run that is watched: a bar where a terminal redraws it, a line now and then where none does, JSON where it is wanted.
import type { Followed, RunSeen } from '#client/follow.ts';
import { plain, type Output } from './output.ts';
import { secondsText } from './words.ts';

type Seen = Followed<RunSeen>;
type Frame = Extract<Seen, { type: 'frame' }>['frame'];

export interface ProgressView {
  readonly show: (event: Seen) => void;
  /** Leaves the terminal as a next line needs it. */
  readonly end: () => void;
}

export function progressView(out: Output, nowMs: () => number = () => performance.now()): ProgressView {
  if (!out.screen) return { show: (event) => out.line(event), end: () => undefined };
  const remaining = estimator(nowMs);
  return out.screen.isTTY ? drawn(out.screen, remaining) : written(out.screen, remaining, nowMs);
}

/** Seconds left: what the run says itself, else what its pace so far lets one expect. */
type Remaining = (frame: Frame) => number | undefined;

function estimator(nowMs: () => number): Remaining {
  let first: { readonly fence: number; readonly pct: number; readonly atMs: number } | undefined;
  return ({ eta_s, pct, fence }) => {
    if (eta_s !== undefined) return eta_s;
    if (pct === undefined) return undefined;
    // Another attempt may begin anew, at another pace.
    if (first?.fence !== fence) first = { fence, pct, atMs: nowMs() };
    const gained = pct - first.pct;
    return gained > 0 ? ((nowMs() - first.atMs) / 1000 / gained) * (100 - pct) : undefined;
  };
}

const barWidth = 24;

export function bar(pct: number): string {
  const full = Math.round((Math.min(100, Math.max(0, pct)) / 100) * barWidth);
  return `[${'#'.repeat(full)}${'-'.repeat(barWidth - full)}] ${pct.toFixed(0).padStart(3)} %`;
}

/** What a frame says, after the bar: stage, done of total, time left, message. */
function wordsOf({ state, stage, done, total, unit, message }: Frame, etaSeconds: number | undefined): string {
  const of = total === undefined ? '' : `/${total}`;
  const parts = [
    state === 'running' ? stage : state,
    done === undefined ? undefined : `${done}${of}${unit === undefined ? '' : ` ${unit}`}`,
    etaSeconds === undefined || state !== 'running' ? undefined : `ETA ${secondsText(etaSeconds)}`,
    message,
  ];
  return parts
    .filter((part) => part !== undefined)
    .map((part) => plain(part))
    .join('  ');
}

const lineOf = (frame: Frame, etaSeconds: number | undefined): string =>
  `${frame.pct === undefined ? '' : `${bar(frame.pct)}  `}${wordsOf(frame, etaSeconds)}`;

const eraseLine = '\r\u001b[2K';

function drawn(screen: NodeJS.WriteStream, remaining: Remaining): ProgressView {
  let isDrawn = false;
  const draw = (text: string) => {
    screen.write(`${eraseLine}${text.slice(0, Math.max(20, (screen.columns || 80) - 1))}`);
    isDrawn = true;
  };
  return {
    show(event) {
      if (event.type === 'frame') draw(lineOf(event.frame, remaining(event.frame)));
      if (event.type === 'state') draw(waiting(event.state));
    },
    end() {
      if (isDrawn) screen.write('\n');
      isDrawn = false;
    },
  };
}

const waiting = (state: string): string => (state === 'queued' ? 'queued: it waits for a worker' : state);

/** So far apart lines are written, unless the stage changes or a tenth more is done. */
const quietMs = 10_000;

function written(screen: NodeJS.WriteStream, remaining: Remaining, nowMs: () => number): ProgressView {
  let last: { readonly key: string; readonly atMs: number } | undefined;
  return {
    show(event) {
      if (event.type === 'state') screen.write(`${waiting(event.state)}\n`);
      if (event.type === 'gap') screen.write('some progress was lost on its way; it goes on\n');
      if (event.type !== 'frame') return;
      const { frame } = event;
      const eta = remaining(frame);
      const key = `${frame.fence} ${frame.state} ${frame.stage} ${Math.floor((frame.pct ?? 0) / 10)}`;
      if (last?.key === key && nowMs() - last.atMs < quietMs) return;
      last = { key, atMs: nowMs() };
      screen.write(`${lineOf(frame, eta)}\n`);
    },
    end: () => undefined,
  };
}

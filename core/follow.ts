/**
 * Following a run without a WebSocket: a call that answers as soon as there is something beyond a position, or with
 * nothing once its time is over. It looks again and again instead of waiting in Redis: a blocking command would hold a
 * connection that others share.
 */
import { limits } from './catalogue/limits.ts';
import { Failure } from './errors.ts';
import { batchesOf } from './frame-messages.ts';
import {
  beginning,
  comparePositions,
  parsePosition,
  piecesBeyond,
  positionOf,
  positionText,
  withTerminal,
  type Piece,
  type Position,
} from './frame-order.ts';
import { existingRow } from './operations.ts';
import type { Plane } from './plane.ts';
import { terminalFrame, type Frame } from './progress.ts';
import { isTerminal, type Run, type RunState } from './run.ts';

export interface Followed {
  /** Dense and in order, of the newest claim alone, 100 KB at most. */
  readonly frames: readonly Frame[];
  /** What came before the first of these frames, and after the position, is gone. */
  readonly gap?: { readonly oldest: Position };
  /** What the next call names as `after`. */
  readonly next: string;
  /** The run has ended so, and beyond these frames there is nothing more. */
  readonly ended?: RunState;
}

export interface FollowOptions {
  /** `FENCE.SEQ`, or `SEQ` of the newest claim; absent: from the beginning. */
  readonly after?: string | undefined;
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
}

const lookEveryMs = 400;
/** The row matters only if the stream has lost the end. */
const rowEveryMs = 2000;

type FollowPorts = Pick<Plane, 'ledger' | 'progress' | 'clock'>;

/** @throws Failure RUN_UNKNOWN, INPUT_INVALID (no position), DEPENDENCY_UNAVAILABLE; the reason of an aborted signal. */
export async function follow(
  ports: FollowPorts,
  runId: string,
  { after, waitMs, signal }: FollowOptions,
): Promise<Followed> {
  const { clock } = ports;
  let row = await existingRow(ports, runId);
  const at = positionIn(row, after);
  const untilMs = clock.monotonicMs() + waitMs;
  let rowReadMs = clock.monotonicMs();
  for (;;) {
    signal?.throwIfAborted();
    const found = await look(ports, row, at);
    const leftMs = untilMs - clock.monotonicMs();
    if (found.frames.length > 0 || found.ended !== undefined || leftMs <= 0) return found;
    await clock.sleep(Math.min(leftMs, lookEveryMs), signal);
    if (clock.monotonicMs() - rowReadMs < rowEveryMs && clock.monotonicMs() < untilMs) continue;
    row = await existingRow(ports, runId);
    rowReadMs = clock.monotonicMs();
  }
}

/** @throws Failure INPUT_INVALID */
export function positionIn({ id, fence }: Pick<Run, 'id' | 'fence'>, after: string | undefined): Position {
  const at = after === undefined ? beginning : parsePosition(after, fence);
  if (at && at.fence <= fence) return at;
  const why = at ? `run ${id} has had ${fence} claims` : 'it is neither FENCE.SEQ nor SEQ';
  throw new Failure(
    'INPUT_INVALID',
    `after=${JSON.stringify(after?.slice(0, 40))} is no frame of this run: ${why}; name the last frame you have, or leave it out`,
  );
}

/** What there is now. The row was read before the stream: had the run ended by then, all its frames are there. */
async function look({ progress }: FollowPorts, row: Run, at: Position): Promise<Followed> {
  const terminal = isTerminal(row.state) ? terminalFrame(row) : undefined;
  const there = await progress.read(row.id, { after: at, limit: limits.relayPage });
  const all = there.length < limits.relayPage ? withTerminal(there, terminal) : there;
  const { frames, ...gap } = firstOf(piecesBeyond(at, all));
  const last = frames.at(-1);
  const ended = last ? stateAtEnd(last) : endedBefore(terminal, at);
  return { frames, ...gap, next: positionText(positionOf(last ?? at)), ...(ended === undefined ? {} : { ended }) };
}

/** Up to the first hole: the next call begins there, and is told. */
function firstOf([first, second]: readonly Piece[]): Pick<Followed, 'frames' | 'gap'> {
  if (!first) return { frames: [] };
  if (first.kind === 'frames') return { frames: batchesOf(first.frames)[0] ?? [] };
  const frames = second?.kind === 'frames' ? (batchesOf(second.frames)[0] ?? []) : [];
  return { frames, gap: { oldest: first.oldest } };
}

const stateAtEnd = ({ state }: Frame): RunState | undefined => (isTerminal(state) ? state : undefined);
const endedBefore = (terminal: Frame | undefined, at: Position): RunState | undefined =>
  terminal && comparePositions(at, terminal) >= 0 ? terminal.state : undefined;

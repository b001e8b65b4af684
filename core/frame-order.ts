/**
 * The order of frames, shared by everybody who hands them on or looks at them.
 *
 * A frame stands at (fence, seq). Within a fence `seq` is dense from 1, so that a hole is seen; a newer fence makes the
 * frames of the older ones meaningless, so that a reader who stood among them goes on at its first. Whoever takes of what
 * reaches him only the frame that `isNext`, drops what lies at or before his position, and moves to the oldest there is
 * when a gap is said, has seen each frame once, in order, however often and through however many connections it came.
 */
import type { Frame } from './progress.ts';

/** Behind which frame a reader stands. */
export interface Position {
  readonly fence: number;
  readonly seq: number;
}

/** Before the first frame of any run. */
export const beginning: Position = { fence: 0, seq: 0 };

export const positionOf = ({ fence, seq }: Position): Position => ({ fence, seq });

/** `FENCE.SEQ`, as `after` wants it. */
export const positionText = ({ fence, seq }: Position): string => `${fence}.${seq}`;

/** `FENCE.SEQ`, or `SEQ` alone: of the newest fence. */
const positionPattern = /^(?:(\d{1,9})\.)?(\d{1,9})$/;

/** Reads `FENCE.SEQ`, or `SEQ` in the fence that is given; undefined for anything else. */
export function parsePosition(text: string, newestFence: number): Position | undefined {
  const [matched, fence, seq] = positionPattern.exec(text) ?? [];
  if (matched === undefined) return undefined;
  return { fence: fence === undefined ? newestFence : Number(fence), seq: Number(seq) };
}

/** Negative when `one` comes first, 0 when they are the same. */
export const comparePositions = (one: Position, other: Position): number =>
  one.fence - other.fence || one.seq - other.seq;

/** Of frames, those beyond a position. */
export const after =
  (at: Position) =>
  (frame: Position): boolean =>
    comparePositions(frame, at) > 0;

/** Whether nothing is missing between a reader's position and this frame. */
export const isNext = (at: Position, frame: Position): boolean =>
  frame.fence === at.fence ? frame.seq === at.seq + 1 : frame.fence > at.fence && frame.seq === 1;

/** What a reader is handed: frames without a hole, or word that what came before `oldest` is gone. */
export type Piece =
  | { readonly kind: 'frames'; readonly frames: readonly Frame[] }
  | { readonly kind: 'gap'; readonly oldest: Position };

/**
 * What there is beyond a position, of the newest fence alone: each frame once, in order, and a gap said before each frame
 * that does not follow. `frames` may come in any order and more than once.
 */
export function piecesBeyond(at: Position, frames: readonly Frame[]): Piece[] {
  const newest = Math.max(...frames.map(({ fence }) => fence));
  const wanted = frames.filter((frame) => frame.fence === newest && after(at)(frame)).toSorted(comparePositions);
  const pieces: Piece[] = [];
  let run: Frame[] = [];
  let last = at;
  for (const frame of wanted) {
    if (comparePositions(frame, last) === 0) continue;
    if (!isNext(last, frame)) pieces.push({ kind: 'gap', oldest: positionOf(frame) });
    if (run.length === 0 || !isNext(last, frame)) pieces.push({ kind: 'frames', frames: (run = []) });
    run.push(frame);
    last = positionOf(frame);
  }
  return pieces;
}

/** The frames of the stream, and behind them the terminal one that the row makes, unless it is there or outdated. */
export function withTerminal(frames: readonly Frame[], terminal: Frame | undefined): readonly Frame[] {
  const last = frames.at(-1);
  if (!terminal || (last && comparePositions(last, terminal) >= 0)) return frames;
  return [...frames, terminal];
}

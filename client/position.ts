import type { Frame } from '#core/progress.ts';

/** Where a watcher stands in a run's frames: behind this one. */
export interface Position {
  readonly fence: number;
  readonly seq: number;
}

/** As `after` wants it. */
export const positionText = ({ fence, seq }: Position): string => `${fence}.${seq}`;

const isBeyond = (one: Position, other: Position): boolean =>
  one.fence > other.fence || (one.fence === other.fence && one.seq > other.seq);

export interface Sequence {
  /** Undefined before the first frame. */
  position(): Position | undefined;
  /** What a frame is in the order of things: one seen before, the next one, or one behind a hole. */
  judge(frame: Position): 'seen' | 'next' | 'beyond-hole';
  accept(frame: Position): void;
  /** The oldest that there still is: what lies before it is not waited for. */
  skipTo(oldest: Position): void;
}

/** Frames are dense from 1 within a fence; a new fence makes the rest of the one before it meaningless. */
export function sequence(start?: Position): Sequence {
  let at = start;
  return {
    position: () => at,
    judge(frame) {
      if (at !== undefined && !isBeyond(frame, at)) return 'seen';
      const expected = at?.fence === frame.fence ? at.seq + 1 : 1;
      return frame.seq === expected ? 'next' : 'beyond-hole';
    },
    accept(frame) {
      at = { fence: frame.fence, seq: frame.seq };
    },
    skipTo(oldest) {
      const before = { fence: oldest.fence, seq: oldest.seq - 1 };
      if (at === undefined || isBeyond(before, at)) at = before;
    },
  };
}

export type { Frame };

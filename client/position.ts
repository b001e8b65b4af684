import { beginning, comparePositions, isNext, positionOf, type Position } from '#core/frame-order.ts';

/** Where a watcher stands in a run's frames. */
export interface Sequence {
  position(): Position;
  /** What a frame is in the order of things: one seen before, the next one, or one behind a hole. */
  judge(frame: Position): 'seen' | 'next' | 'beyond-hole';
  accept(frame: Position): void;
  /** The oldest that there still is: what lies before it is not waited for. */
  skipTo(oldest: Position): void;
}

export function sequence(start: Position = beginning): Sequence {
  let at = positionOf(start);
  return {
    position: () => at,
    judge(frame) {
      if (comparePositions(frame, at) <= 0) return 'seen';
      return isNext(at, frame) ? 'next' : 'beyond-hole';
    },
    accept(frame) {
      at = positionOf(frame);
    },
    skipTo({ fence, seq }) {
      const before = { fence, seq: seq - 1 };
      if (comparePositions(before, at) > 0) at = before;
    },
  };
}

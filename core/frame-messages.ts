import { limits } from './catalogue/limits.ts';
import { piecesBeyond, positionOf, type Position } from './frame-order.ts';
import type { Frame } from './progress.ts';

/** A message to a WebSocket, and where its reader stands once he has it. */
export interface SocketMessage {
  readonly text: string;
  readonly position: Position;
  /** The last of its frames; a gap has none. */
  readonly last?: Frame;
}

const encoder = new TextEncoder();
const bytesOf = (frame: Frame): number => encoder.encode(JSON.stringify(frame)).length;
/** What stands around the frames of a message. */
const envelopeBytes = 200;

/** What a reader at `at` is to be sent of these frames: gaps, and frames in messages of at most 100 KB. */
export function messagesBeyond(run: string, at: Position, frames: readonly Frame[]): SocketMessage[] {
  return piecesBeyond(at, frames).flatMap((piece) =>
    piece.kind === 'gap' ? [gapMessage(run, piece.oldest)] : frameMessages(run, piece.frames),
  );
}

/** The reader now stands before the oldest there is. */
const gapMessage = (run: string, oldest: Position): SocketMessage => ({
  text: JSON.stringify({ type: 'gap', run_id: run, oldest }),
  position: { fence: oldest.fence, seq: oldest.seq - 1 },
});

const frameMessages = (run: string, frames: readonly Frame[]): SocketMessage[] =>
  batchesOf(frames).map((batch) => ({
    text: JSON.stringify({ type: 'frames', run_id: run, frames: batch }),
    position: positionOf(batch.at(-1)!),
    last: batch.at(-1)!,
  }));

/** Frames in batches of at most 100 KB, none of them empty. */
export function batchesOf(frames: readonly Frame[]): Frame[][] {
  const batches: Frame[][] = [];
  let left = 0;
  for (const frame of frames.map(fitting)) {
    const bytes = bytesOf(frame) + 1;
    if (bytes > left) {
      batches.push([]);
      left = limits.socketPostBytes - envelopeBytes;
    }
    batches.at(-1)?.push(frame);
    left -= bytes;
  }
  return batches;
}

/** A frame as it is sent: one that no message could carry goes without what makes it so long. */
function fitting(frame: Frame): Frame {
  if (bytesOf(frame) + 1 <= limits.socketPostBytes - envelopeBytes) return frame;
  const { metrics: _metrics, message = '', stage = '', unit = '', ...rest } = frame;
  const [shortMessage, shortStage, shortUnit] = [message, stage, unit].map((one) => one.slice(0, 500).toWellFormed());
  return { ...rest, message: shortMessage!, stage: shortStage!, unit: shortUnit! };
}

export const lastOf = (messages: readonly SocketMessage[]): Frame | undefined => messages.at(-1)?.last;

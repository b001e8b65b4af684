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

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;
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

function frameMessages(run: string, frames: readonly Frame[]): SocketMessage[] {
  const batches: { texts: string[]; bytes: number; last: Frame }[] = [];
  for (const frame of frames) {
    const text = fitting(frame);
    const bytes = bytesOf(text) + 1;
    const batch = batches.at(-1);
    if (batch && batch.bytes + bytes <= limits.socketPostBytes) {
      batch.texts.push(text);
      batch.bytes += bytes;
      batch.last = frame;
    } else batches.push({ texts: [text], bytes: envelopeBytes + bytes, last: frame });
  }
  return batches.map(({ texts, last }) => ({
    text: `{"type":"frames","run_id":${JSON.stringify(run)},"frames":[${texts.join(',')}]}`,
    position: positionOf(last),
    last,
  }));
}

/** A frame as it is sent: one that no message could carry goes without what makes it so long. */
function fitting(frame: Frame): string {
  const text = JSON.stringify(frame);
  if (bytesOf(text) + envelopeBytes < limits.socketPostBytes) return text;
  const { metrics: _metrics, message = '', stage = '', unit = '', ...rest } = frame;
  const [shortMessage, shortStage, shortUnit] = [message, stage, unit].map((one) => one.slice(0, 500).toWellFormed());
  return JSON.stringify({ ...rest, message: shortMessage, stage: shortStage, unit: shortUnit });
}

export const lastOf = (messages: readonly SocketMessage[]): Frame | undefined => messages.at(-1)?.last;

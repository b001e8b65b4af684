/**
 * A wake tells the relay that there is something for those who watch a run. It carries no frame: whoever is woken reads
 * the stream, so that wakes may be lost, late or doubled, and the next one makes up for it. All wakes of a run are one
 * FIFO group, so there is one relay a run at a time, and the order of its posts is the order of the frames.
 */
import * as z from 'zod';
import { describeIssues } from './envelope.ts';
import { Failure } from './errors.ts';
import { positionText } from './frame-order.ts';
import type { Queues } from './ports.ts';
import type { Frame } from './progress.ts';
import { isTerminal } from './run.ts';

const wakeSchema = z.object({
  v: z.literal(1),
  run: z.string().min(1).max(64),
  /** The run is over: its row can say how, should the stream have lost the last frame. */
  ended: z.literal(true).optional(),
});
export interface Wake {
  readonly run: string;
  readonly ended: boolean;
}

/** @throws Failure MESSAGE_MALFORMED */
export function parseWake(body: string): Wake {
  const wake = wakeSchema.safeParse(jsonOf(body));
  if (wake.success) return { run: wake.data.run, ended: wake.data.ended ?? false };
  throw malformed(describeIssues(wake.error));
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw malformed(`it is not JSON: ${JSON.stringify(body.slice(0, 80))}`);
  }
}
const malformed = (why: string) => new Failure('MESSAGE_MALFORMED', `the message is no wake of the relay: ${why}`);

/** Wakes the relay for a run; `cause` names this wake, and a second one of the same name within five minutes is dropped. */
export const sendWake = (
  queues: Pick<Queues, 'send'>,
  run: string,
  { cause, ended = false }: { cause: string; ended?: boolean },
): Promise<void> =>
  queues.send('progress', {
    body: JSON.stringify({ v: 1, run, ...(ended ? { ended } : {}) }),
    group: run,
    deduplicationId: `${run}/${cause}`.slice(0, 128),
  });

/** The wake of a frame that was published, where somebody watches its run. */
export const wakeForFrame = (queues: Pick<Queues, 'send'>, frame: Frame): Promise<void> =>
  sendWake(queues, frame.run_id, { cause: positionText(frame), ended: isTerminal(frame.state) });

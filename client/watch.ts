// What following does with one batch and with the row; follow.ts says when.
import { positionText, type Position } from '#core/frame-order.ts';
import type { Frame } from '#core/progress.ts';
import { isTerminal, type RunState } from '#core/run.ts';
import type { Batch, Feed } from './feed.ts';
import type { Sequence } from './position.ts';

/** What is known of a run beside its frames. */
export interface RunSeen {
  readonly id: string;
  readonly state: RunState;
}
export type Followed<R extends RunSeen> =
  | { readonly type: 'frame'; readonly frame: Frame }
  /** Frames before `next` are gone; `after` is the last one that was handed on. */
  | { readonly type: 'gap'; readonly after: Position; readonly next: Position }
  /** It waits or is held, and says nothing. */
  | { readonly type: 'state'; readonly state: RunState }
  /** Always the last. */
  | { readonly type: 'ended'; readonly run: R };

export interface FollowSource<R extends RunSeen> {
  run(id: string): Promise<R>;
  /** Frames behind a position, waited for; an empty batch when none came. */
  events(id: string, options: { after: Position; waitSeconds: number; signal?: AbortSignal }): Promise<Batch>;
  /** Absent where there are no sockets. */
  readonly socket?: ((runId: string) => Feed) | undefined;
}

export interface Watch<R extends RunSeen> {
  readonly source: FollowSource<R>;
  readonly runId: string;
  readonly order: Sequence;
  /** The hole that was asked for again. */
  suspected: string | undefined;
  /** The state that was last told. */
  said: RunState | undefined;
}

/** `ending`: a terminal frame came; `quiet`: nothing new; `hole`: ask again from where the sequence stands. */
export type Taken = 'more' | 'ending' | 'quiet' | 'hole';

/** Hands on what of a batch is next. */
export async function* take<R extends RunSeen>(
  watch: Watch<R>,
  { frames, oldest }: Batch,
): AsyncGenerator<Followed<R>, Taken> {
  const { order } = watch;
  let taken: Taken = 'quiet';
  if (oldest) {
    yield { type: 'gap', after: order.position(), next: oldest };
    order.skipTo(oldest);
    taken = 'more';
  }
  for (const frame of frames) {
    const judged = order.judge(frame);
    if (judged === 'seen') continue;
    if (judged === 'beyond-hole') {
      if (isNewHole(watch)) return 'hole';
      yield { type: 'gap', after: order.position(), next: frame };
    }
    order.accept(frame);
    watch.said = frame.state;
    taken = isTerminal(frame.state) ? 'ending' : 'more';
    yield { type: 'frame', frame };
  }
  return taken;
}

/** A hole is asked for once more before it is called a gap: the message that filled it may have been lost on its way. */
function isNewHole<R extends RunSeen>(watch: Watch<R>): boolean {
  const hole = positionText(watch.order.position());
  const isNew = watch.suspected !== hole;
  watch.suspected = hole;
  return isNew;
}

/** Looks at the row. A run that is over is told with whatever frames have not come yet. Returns whether it is over. */
export async function* look<R extends RunSeen>(watch: Watch<R>): AsyncGenerator<Followed<R>, boolean> {
  const { source, runId } = watch;
  const run = await source.run(runId);
  if (!isTerminal(run.state)) {
    if (run.state !== watch.said && run.state !== 'running') yield { type: 'state', state: run.state };
    watch.said = run.state;
    return false;
  }
  let taken: Taken;
  do {
    taken = yield* take(watch, await missing(watch));
  } while (taken !== 'quiet');
  yield { type: 'ended', run };
  return true;
}

/** Frames behind the position that there are already. */
const missing = <R extends RunSeen>({ source, runId, order }: Watch<R>): Promise<Batch> =>
  source.events(runId, { after: order.position(), waitSeconds: 0 });

/** Frames that a silent socket should have brought. With some of them it is given up, as behind a hole. */
export async function* missed<R extends RunSeen>(watch: Watch<R>): AsyncGenerator<Followed<R>, 'quiet' | 'hole'> {
  return (yield* take(watch, await missing(watch))) === 'quiet' ? 'quiet' : 'hole';
}

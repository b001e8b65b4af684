import { Failure } from '#core/errors.ts';
import type { AnyBodies, TaskContext } from '#core/task.ts';
import type { TaskName } from '#core/catalogue/tasks.ts';
import { carry, uncarry, type FromChild, type ToChild } from './protocol.ts';

type Start = Extract<ToChild, { kind: 'start' }>;
type Answer = Extract<ToChild, { kind: 'answer' }>;

/**
 * Runs one body in this process, for the executor that forked it. The child has no credentials and no connections: each
 * call of a port goes to the executor, which passes it through the guard. It ends with its executor.
 */
export function serveChild(bodies: AnyBodies): void {
  const send = (message: FromChild): void => void process.send?.(message);
  const ending = new AbortController();
  const calls = caller(send);
  process.on('disconnect', () => process.exit(1));
  process.on('message', (message: ToChild) => {
    switch (message.kind) {
      case 'start':
        void runBody(message, { bodies, ending, calls, send });
        return;
      case 'answer':
        calls.answer(message);
        return;
      case 'end':
        ending.abort(uncarry(message.failure));
        return;
    }
  });
  send({ kind: 'ready' });
}

interface Hands {
  readonly bodies: AnyBodies;
  readonly ending: AbortController;
  readonly calls: ReturnType<typeof caller>;
  readonly send: (message: FromChild) => void;
}

async function runBody(start: Start, hands: Hands): Promise<void> {
  const { bodies, send } = hands;
  const body = bodies[start.task];
  try {
    if (!body) throw new Failure('CONFIGURATION_INVALID', `this image has no body for ${start.task}`);
    send({ kind: 'result', result: await body(start.payload, contextOf(start, hands)) });
  } catch (thrown) {
    send({ kind: 'failure', failure: carry(thrown) });
  }
}

function contextOf(start: Start, { ending, calls, send }: Hands): TaskContext<TaskName> {
  const offsetMs = start.nowMs - Date.now();
  const ports = Object.entries(start.ports).map(([port, methods]) => [
    port,
    Object.fromEntries(
      methods.map((method) => [
        method,
        (...values: unknown[]) => calls.call((id) => ({ kind: 'call', id, port, method, values })),
      ]),
    ),
  ]);
  return {
    ports: Object.fromEntries(ports) as TaskContext<TaskName>['ports'],
    run: start.run,
    cursor: start.cursor,
    signal: ending.signal,
    nowMs: () => Date.now() + offsetMs,
    progress: (report) => send({ kind: 'progress', report }),
    async checkpoint(cursor) {
      await calls.call((id) => ({ kind: 'checkpoint', id, cursor }));
      ending.signal.throwIfAborted();
    },
  };
}

/** Calls over the channel, each answered by its number. */
function caller(send: (message: FromChild) => void) {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (failure: Failure) => void }>();
  let last = 0;
  return {
    call: (message: (id: number) => FromChild): Promise<unknown> =>
      new Promise((resolve, reject) => {
        last += 1;
        waiting.set(last, { resolve, reject });
        send(message(last));
      }),
    answer({ id, value, failure }: Answer): void {
      const one = waiting.get(id);
      waiting.delete(id);
      if (failure) one?.reject(uncarry(failure));
      else one?.resolve(value);
    },
  };
}

/**
 * A body in a process of its own.
 *
 * The executor stays responsive whatever the body does: it renews the lease, reads the kill switch and hears of a
 * cancellation. Told to end, the body has its time to reach a checkpoint; then SIGTERM; then SIGKILL. The attempt is over
 * only when the process is verified gone.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '#core/catalogue/limits.ts';
import { logLines } from '#core/catalogue/metrics.ts';
import { queueRow } from '#core/catalogue/queues.ts';
import { taskContract, type TaskName } from '#core/catalogue/tasks.ts';
import { toMs } from '#core/duration.ts';
import { Failure, toFailure } from '#core/errors.ts';
import type { Log } from '#core/ports.ts';
import type { AnyBodies, AnyBody, TaskContext } from '#core/task.ts';
import { carry, uncarry, type FromChild, type ToChild } from './protocol.ts';

export interface ChildOptions {
  /** The bundle, which runs as a child when its first argument is `child`. */
  readonly entry: string;
  readonly log: Log;
  /** MiB of heap for each body; absent: its slot's share of the container. */
  readonly memoryMb?: number;
  /** Milliseconds for a body that was told to end, then from SIGTERM to SIGKILL; absent: of the limits. */
  readonly patienceMs?: { readonly end: number; readonly term: number };
}

type Ending = { readonly result: unknown } | { readonly failure: Failure };

/** Bodies that each run in a child; only the names of `bodies` matter here. */
export const childBodies = (bodies: AnyBodies, options: ChildOptions): AnyBodies =>
  Object.fromEntries((Object.keys(bodies) as TaskName[]).map((task) => [task, childBody(task, options)]));

function childBody(task: TaskName, options: ChildOptions): AnyBody {
  return async (payload, context) => {
    const memoryMb = options.memoryMb ?? shareMb(task);
    const child = start(options.entry, memoryMb);
    const ended = endOf(child);
    const said = listen(child, context);
    const killing = endWhenTold(child, context.signal, options.patienceMs);
    child.once('message', () => child.send(startMessage(task, payload, context)));
    const { exitCode, exitSignal } = await ended.finally(() => killing.abort());
    const end = said.ending();
    options.log.info(logLines.childEnded, {
      run: context.run.id,
      task,
      exitCode,
      exitSignal,
      spoke: end !== undefined,
    });
    if (end && 'result' in end) return end.result;
    if (context.signal.aborted) throw toFailure(context.signal.reason);
    throw end?.failure ?? died({ run: context.run.id, task, memoryMb, exitCode, exitSignal, stderr: said.stderr() });
  };
}

const shareMb = (task: TaskName): number => {
  const { compute, slots } = queueRow(taskContract(task).queue);
  // An eighth of the container stays for the executor and what is not on the heap.
  return compute.kind === 'container' ? Math.floor((compute.memoryGib * 1024 * 7) / 8 / slots) : 512;
};

function start(entry: string, memoryMb: number): ChildProcess {
  return fork(entry, ['child'], {
    serialization: 'advanced',
    // No variables: no credentials, no addresses. What the body may do it asks its executor for.
    env: { TZ: 'UTC', NODE_ENV: 'production' },
    execArgv: [`--max-old-space-size=${memoryMb}`],
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
}

interface Exit {
  readonly exitCode: number | null;
  readonly exitSignal: NodeJS.Signals | null;
}
/** What the process said last may come after its end; it is waited for no longer, should another hold the pipe. */
const lastWordsMs = 500;

/** Resolves once the process is gone. Rejects when there never was one. */
async function endOf(child: ChildProcess): Promise<Exit> {
  const closed = once(child, 'close').catch(() => undefined);
  const exit = await new Promise<Exit>((resolve, reject) => {
    child.once('exit', (exitCode, exitSignal) => resolve({ exitCode, exitSignal }));
    // Stays for all of its life: what is sent to a process that has just died fails here, and its end tells the rest.
    child.on('error', (error) => child.pid === undefined && reject(error));
  });
  await Promise.race([closed, sleep(lastWordsMs, undefined, { ref: false })]);
  return exit;
}

const startMessage = (task: TaskName, payload: unknown, context: TaskContext<TaskName>): ToChild => ({
  kind: 'start',
  task,
  payload,
  run: context.run,
  cursor: context.cursor,
  nowMs: context.nowMs(),
  ports: Object.fromEntries(Object.entries(context.ports).map(([port, methods]) => [port, Object.keys(methods)])),
});

const keptStderr = 4096;

function listen(child: ChildProcess, context: TaskContext<TaskName>) {
  let ending: Ending | undefined;
  let stderr = '';
  const answer = async (id: number, work: () => unknown): Promise<void> => {
    const [done] = await Promise.allSettled([Promise.resolve().then(work)]);
    if (!child.connected) return;
    child.send(
      done.status === 'fulfilled'
        ? { kind: 'answer', id, value: done.value }
        : { kind: 'answer', id, failure: carry(done.reason) },
    );
  };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-keptStderr);
    process.stderr.write(text);
  });
  child.on('message', (message: FromChild) => {
    switch (message.kind) {
      case 'call':
        void answer(message.id, () => callPort(context, message));
        return;
      case 'checkpoint':
        void answer(message.id, () => context.checkpoint(message.cursor));
        return;
      case 'progress':
        context.progress(message.report);
        return;
      case 'result':
      case 'failure':
        ending = message.kind === 'result' ? { result: message.result } : { failure: uncarry(message.failure) };
        // Nothing more is wanted of it: the end of the channel is the end of the process.
        child.disconnect();
        return;
      case 'ready':
        return;
    }
  });
  return { ending: () => ending, stderr: () => stderr };
}

function callPort(context: TaskContext<TaskName>, { port, method, values }: Extract<FromChild, { kind: 'call' }>) {
  const ports = context.ports as unknown as Record<string, Record<string, (...values: unknown[]) => unknown>>;
  const callable = ports[port]?.[method];
  if (callable) return callable(...values);
  throw new Failure('EFFECT_UNDECLARED', `${port}.${method} is not a method that this body was given`);
}

/** Aborted, the returned controller calls the killing off: the child is gone. */
function endWhenTold(child: ChildProcess, signal: AbortSignal, patience: ChildOptions['patienceMs']): AbortController {
  const gone = new AbortController();
  const told = () => {
    const failure = toFailure(signal.reason);
    if (child.connected) child.send({ kind: 'end', failure: carry(failure) } satisfies ToChild);
    const endMs = patience?.end ?? toMs(failure.code === 'HANDED_BACK' ? limits.handsBackWithin : limits.endsWithin);
    const term = setTimeout(() => child.kill('SIGTERM'), endMs);
    const kill = setTimeout(() => child.kill('SIGKILL'), endMs + (patience?.term ?? toMs(limits.termGrace)));
    gone.signal.addEventListener('abort', () => [term, kill].forEach((timer) => clearTimeout(timer)), { once: true });
  };
  if (signal.aborted) told();
  else {
    signal.addEventListener('abort', told, { once: true });
    gone.signal.addEventListener('abort', () => signal.removeEventListener('abort', told), { once: true });
  }
  return gone;
}

interface Death extends Exit {
  readonly run: string;
  readonly task: TaskName;
  readonly memoryMb: number;
  readonly stderr: string;
}

function died({ run, task, memoryMb, exitCode, exitSignal, stderr }: Death): Failure {
  const how = exitSignal ? `was ended by ${exitSignal}` : `exited with code ${exitCode}`;
  if (/heap out of memory|allocation failed/i.test(stderr)) {
    return new Failure(
      'CHILD_DIED',
      `the process of run ${run} ran out of memory (its slot has ${memoryMb} MiB) and ${how}: ask for less data in one run`,
    );
  }
  const hint = exitSignal === 'SIGKILL' ? ', as when a container runs out of memory' : '';
  const last = stderr.trim().split('\n').at(-1)?.slice(0, 120);
  return new Failure(
    'CHILD_DIED',
    `the process of run ${run} ${how}${hint}, before ${task} had ended${last ? `; it last said: ${last}` : ''}`,
  );
}

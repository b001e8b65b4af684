// The measured process. What it logs goes to stdout, as in a function, and from there nowhere.
import type { Received } from '#core/consume.ts';
import { answerWith } from './child.ts';
import { receive, remove, startPolling } from './poller.ts';
import {
  ask,
  batchesInFlight,
  checkSettled,
  drain,
  fill,
  measured,
  open,
  planChain,
  request,
  take,
  takeDenials,
} from './runs.ts';
import { roundTrips, watchWire, type Traffic } from './wire.ts';

/** Wall and processor time of `work`, milliseconds. */
async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; cpuMs: number; value: T }> {
  const cpu = process.cpuUsage();
  const beganMs = performance.now();
  const value = await work();
  const ms = performance.now() - beganMs;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, cpuMs: (user + system) / 1000, value };
}

/** Throws when the plane refused meanwhile: such a figure would be one of the stall. */
const unlessDenied =
  <A, T>(work: (argument: A) => Promise<T>) =>
  async (argument: A): Promise<T> => {
    takeDenials();
    const value = await work(argument);
    const denials = takeDenials();
    if (denials > 0)
      throw new Error(
        `VOID: the plane refused work ${denials} times, because the kill switch could not be read in time`,
      );
    return value;
  };

const answers = {
  open,

  /** Enqueues all, then drains all. */
  throughput: unlessDenied(async (runs: number) => {
    const { value: ids, ...enqueued } = await timed(() => fill(runs));
    const { value: polling, ...drained } = await timed(() => drain(runs, take));
    await polling.stop();
    await checkSettled(ids);
    return { enqueued, drained };
  }),

  /** The poller alone: receives and deletes as many messages, and does nothing with them. */
  poll: unlessDenied(async (runs: number) => {
    await fill(runs);
    const { value: polling, ms, cpuMs } = await timed(() => drain(runs, async (messages) => messages));
    await polling.stop();
    return { ms, cpuMs };
  }),

  /** What one run sends, enqueued and drained as in `throughput`. */
  traffic: unlessDenied(async (runs: number) => {
    const wire = watchWire();
    await fill(runs);
    const enqueued = wire.take().counts;
    const polling = await drain(runs, take);
    const consumed = wire.take().counts;
    wire.stop();
    await polling.stop();
    return { enqueued: perRun(enqueued, runs), consumed: perRun(consumed, runs) };
  }),

  /** One run at a time: from its message received to its row settled and its outbox empty. */
  overhead: unlessDenied(async ({ runs, traced }: { runs: number; traced: boolean }) => {
    const samples: { totalMs: number; waitedMs: number }[] = [];
    const wire = traced ? watchWire() : undefined;
    for (let run = 0; run < runs; run += 1) samples.push(await oneRun(() => wire?.take().waitedMs ?? 0));
    wire?.stop();
    return samples;
  }),

  /** Each from the first request to the settled third run, which the second run's body asked for. */
  chains: unlessDenied(async (count: number): Promise<number[]> => {
    let settled: () => void = () => undefined;
    let last = '';
    const taking = async (batch: readonly Received[]): Promise<readonly Received[]> => {
      const done = await take(batch);
      if (done.some(({ body }) => body.includes(last))) settled();
      return done;
    };
    const polling = startPolling(measured().source, { width: batchesInFlight, take: taking });
    const samples: number[] = [];
    for (let chain = 0; chain < count; chain += 1) {
      const ended = new Promise<void>((resolve) => (settled = resolve));
      const plan = planChain(`${chain}-${performance.now()}`);
      last = plan.last;
      const beganMs = performance.now();
      await ask(plan.first);
      await Promise.race([ended, polling.ended]);
      samples.push(performance.now() - beganMs);
    }
    await polling.stop();
    return samples;
  }),
};
export type MeasuredAnswers = typeof answers;

async function oneRun(waitedMs: () => number): Promise<{ totalMs: number; waitedMs: number }> {
  const { source } = measured();
  await ask(request);
  for (;;) {
    const batch = await receive(source, 1);
    waitedMs();
    const beganMs = performance.now();
    const done = await take(batch);
    const totalMs = performance.now() - beganMs;
    const waited = waitedMs();
    if (done.length === 0) continue;
    await remove(source, done);
    return { totalMs, waitedMs: waited };
  }
}

function perRun(counts: Traffic['counts'], runs: number) {
  const operations = Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count / runs]));
  return { operations, roundTrips: roundTrips(counts) / runs };
}

answerWith(answers);

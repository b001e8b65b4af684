// Light no-op runs: asked for, pulled and taken through the pipeline with the services that runtime/services.ts composes.
import { SQSClient } from '@aws-sdk/client-sqs';
import { queueUrlVariable } from '#core/catalogue/entry-environment.ts';
import { consume, type Received } from '#core/consume.ts';
import { enqueue, type EnqueueRequest } from '#core/enqueue.ts';
import { Failure } from '#core/errors.ts';
import { requestRunId } from '#core/ids.ts';
import type { AnyBodies } from '#core/task.ts';
import { parseEnvironment } from '#runtime/environment.ts';
import { clientOptions, services, type Services } from '#runtime/services.ts';
import { startPolling, type Polling, type Source } from './poller.ts';

/** How much is in flight at once: requests that enqueue, and batches of ten that are consumed. */
const enqueuesInFlight = 32;
export const batchesInFlight = 4;
const chainLength = 3;

/** A light task: its claim lasts as long as its invocation. The body is ours and does nothing. */
const task = 'runs.reap';
const queue = 'system';
const result = { resent: 0, expired: 0, drained: 0, released: 0, kicked: 0, more: false };
const caller = { tenant: 'bench', actor: { kind: 'system', id: 'bench' }, as: 'operator' } as const;
export const request: EnqueueRequest<typeof task> = { task, payload: {}, ...caller };

interface Measured {
  readonly plane: Services;
  readonly source: Source;
}
let opened: Measured | undefined;
export function measured(): Measured {
  if (!opened) throw new Error('ask `open` first');
  return opened;
}

/** Composes the services, as a function does at its start. */
export async function open(variables: Record<string, string>): Promise<void> {
  const environment = parseEnvironment(queue, variables);
  const plane = services(environment);
  await plane.ready();
  const { region, local } = environment;
  const endpoint = local?.endpoints.sqs ?? '';
  const sqs = new SQSClient({ ...clientOptions, region, endpoint, useQueueUrlAsEndpoint: false });
  opened = { plane, source: { sqs, url: variables[queueUrlVariable(queue)] ?? '' } };
}

/** What follows a run: read by the body, keyed by run. */
const nextOf = new Map<string, EnqueueRequest<typeof task>>();
const bodies: AnyBodies = {
  [task]: async (_payload, { run }) => {
    const next = nextOf.get(run.id);
    if (next) await enqueue(measured().plane, next);
    return result;
  },
};

/** How often the plane refused because the kill switch could not be read within 250 ms: a machine that stands still. */
let denials = 0;
export function takeDenials(): number {
  const taken = denials;
  denials = 0;
  return taken;
}

/** Resolves with what is to be deleted; the rest comes back. */
export async function take(messages: readonly Received[]): Promise<readonly Received[]> {
  const { plane } = measured();
  const failed = await consume(plane, messages, { queue, bodies, deadlineMs: plane.clock.nowMs() + 50_000 });
  denials += failed.length;
  return messages.filter(({ id }) => !failed.includes(id));
}

export async function ask(asked: typeof request): Promise<string> {
  for (;;) {
    try {
      const { run, sent } = await enqueue(measured().plane, asked);
      if (!sent) throw new Error(`run ${run.id} was not sent`);
      return run.id;
    } catch (error) {
      if (!(error instanceof Failure && error.code === 'KILL_SWITCH_UNKNOWN')) throw error;
      denials += 1;
    }
  }
}

export async function fill(runs: number): Promise<string[]> {
  const ids: string[] = [];
  let left = runs;
  const one = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      ids.push(await ask(request));
    }
  };
  await Promise.all(Array.from({ length: enqueuesInFlight }, one));
  return ids;
}

/** Resolves once `messages` have been taken and deleted, with pollers that wait for more. */
export async function drain(messages: number, taking: typeof take): Promise<Polling> {
  let left = messages;
  const drained = Promise.withResolvers<void>();
  const onDeleted = (count: number): void => {
    left -= count;
    if (left === 0) drained.resolve();
  };
  const polling = startPolling(measured().source, { width: batchesInFlight, take: taking, onDeleted });
  await Promise.race([drained.promise, polling.ended]);
  return polling;
}

/** Each row was really written, at the first start, and nothing is left to be sent: else the repetition is void. */
export async function checkSettled(ids: readonly string[]): Promise<void> {
  const rows = await measured().plane.ledger.readMany(ids);
  const settled = rows.filter(
    ({ state, outbox, starts }) => state === 'succeeded' && outbox.length === 0 && starts === 1,
  );
  if (settled.length !== ids.length) {
    throw new Error(
      `VOID: ${ids.length - settled.length} of ${ids.length} runs were left to the reaper, or begun twice`,
    );
  }
}

/** Notes what each body will ask for: the ids of runs are functions of their keys. */
export function planChain(name: string): { first: typeof request; last: string } {
  const { plane } = measured();
  const traceparent = plane.ids.traceparent();
  const of = { cell: plane.cell, tenant: caller.tenant, actor: caller.actor.id };
  nextOf.clear();
  let last = '';
  const steps = Array.from({ length: chainLength }, (_, step) => {
    const parent = step > 0 ? { parent: { hops: step - 1, traceparent } } : {};
    const asked = { ...request, idempotencyKey: `chain-${name}-${step}`, ...parent };
    if (step > 0) nextOf.set(last, asked);
    last = requestRunId(plane.ids, of, asked.idempotencyKey);
    return asked;
  });
  return { first: steps[0] ?? request, last };
}

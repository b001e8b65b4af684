import * as z from 'zod';
import { isQueueName, queueNames, queueRow, type QueueName } from '#core/catalogue/queues.ts';
import { inhabitedQueues } from '#core/catalogue/tasks.ts';
import { peekLetters } from '#core/letters.ts';
import { operated } from '#core/operations.ts';
import { redriveQueue } from '#core/redrive.ts';
import { redriveRowless, saidOf } from '#core/redrive-rowless.ts';
import type { Run } from '#core/run.ts';
import type { Caller } from '#gateway/caller.ts';
import { operation } from '#gateway/operation.ts';
import { Problem } from '#gateway/problem.ts';
import type { GatewayPorts } from '#gateway/ports.ts';
import { queueView } from '#gateway/queue-view.ts';
import { requestOf } from '#gateway/request.ts';
import { sees } from '#gateway/rights.ts';
import { at, reason } from '#gateway/schemas/common.ts';
import { deadLetters, queueList, redriven } from '#gateway/schemas/queue.ts';

/** The queues that somebody drains: those that have a task, and those by which the plane wakes its own parts. */
const drained = queueNames.filter((name) => inhabitedQueues.includes(name) || queueRow(name).carries !== 'runs');

/** Read as any text: one that there is not is 404, and no request of a wrong form. */
const params = z.strictObject({
  queue: z.string().max(64).meta({ description: 'The name of a queue that is drained', enum: drained }),
});

/** @throws Problem NOT_FOUND */
function nameOf({ queue }: { queue: string }): QueueName {
  if (isQueueName(queue) && drained.includes(queue)) return queue;
  throw new Problem('NOT_FOUND', `there is no queue ${JSON.stringify(queue)} that is drained: GET /queues lists those`);
}

export const listQueues = operation({
  status: 200,
  answer: queueList,
  problems: [],
  handle: async ({ ports }) => ({ body: { queues: await Promise.all(drained.map((name) => queueView(ports, name))) } }),
});

/** As many letters as can be looked at within this time: API Gateway gives an answer up after 30 s, many a client after 10. */
const sweepMs = 7000;
function lateIn({ clock }: Pick<GatewayPorts, 'clock'>, afterMs: number): () => boolean {
  const endMs = clock.monotonicMs() + afterMs;
  return () => clock.monotonicMs() > endMs;
}

export const listDeadLetters = operation({
  params,
  status: 200,
  answer: deadLetters,
  problems: ['NOT_FOUND'],
  async handle({ ports }, { params: asked, caller }) {
    const { letters, complete } = await peekLetters(ports, nameOf(asked), { isLate: lateIn(ports, sweepMs) });
    const ids = letters.flatMap(({ about }) => (about ? [about.run] : []));
    const rows = new Map((await ports.ledger.readMany([...new Set(ids)])).map((row) => [row.id, row]));
    const shown = letters.map((letter) => ({ letter, row: letter.about && rows.get(letter.about.run) }));
    const visible = shown.filter(({ letter, row }) => showsLetter(caller, row, saidOf(letter).tenant));
    const body = { letters: visible.map(letterView), ofOthers: shown.length - visible.length, complete };
    return { body };
  },
});

/** By its row, else by what it says itself; what names no tenant is nobody's but the plane's. */
const showsLetter = (caller: Caller, row: Run | undefined, said: string | undefined): boolean => {
  const tenant = row?.tenant ?? said;
  return tenant === undefined || sees(caller, tenant);
};

interface Shown {
  readonly letter: Awaited<ReturnType<typeof peekLetters>>['letters'][number];
  readonly row: Run | undefined;
}
function letterView({ letter: { id, sentMs, code, reason: why, about }, row }: Shown) {
  return {
    id,
    sentAt: at(sentMs),
    ...(code === undefined ? {} : { code }),
    ...(why === undefined ? {} : { reason: why }),
    ...(about ? { run: about.run, generation: about.generation } : {}),
    ...(row ? { task: row.task, tenant: row.tenant, state: row.state } : {}),
  };
}

const mostRedriven = 100;
const letterIds = z.array(z.string().min(1).max(128)).min(1).max(mostRedriven);

export const redriveLetters = operation({
  params,
  body: z
    .strictObject({ all: z.literal(true).optional(), ids: letterIds.optional(), reason })
    .refine(({ all, ids }) => (all === undefined) !== (ids === undefined), 'wants either all or ids'),
  documentedBody: z
    .union([z.strictObject({ all: z.literal(true), reason }), z.strictObject({ ids: letterIds, reason })])
    .meta({ id: 'Redrive', description: 'All, which wants step-up, or letters by their ids' }),
  isBulk: ({ all }) => all === true,
  status: 200,
  answer: redriven,
  problems: ['NOT_FOUND', 'KILL_SWITCH_HALTED', 'KILL_SWITCH_UNKNOWN', 'LEDGER_CONFLICT'],
  async handle({ ports }, ask) {
    const { body, caller } = ask;
    const queue = nameOf(ask.params);
    const ids = body.ids && new Set(body.ids);
    const request = requestOf(ask, body.reason, ids ? { ids: [...ids] } : { all: true });
    const scope = {
      ...request,
      isLate: lateIn(ports, sweepMs),
      ...(ids ? { ids } : {}),
      most: mostRedriven,
      sees: (tenant: string) => sees(caller, tenant),
    };
    const done = await operated(ports, { how: 'redrive', request, on: { queue, tenant: caller.tenant } }, () =>
      redriveQueue(ports, queue, {
        ...scope,
        withoutRow: (letter) => redriveRowless(ports, { queue, request: scope, letter }),
      }),
    );
    const { queued, resent, kept, unknown, ...rest } = done;
    const lists = { queued: [...queued], resent: [...resent], kept: [...kept], unknown: [...unknown] };
    return { body: { ...rest, ...lists } };
  },
});

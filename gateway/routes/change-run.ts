import * as z from 'zod';
import { retry } from '#core/again.ts';
import { retryMany, type RetriedOne } from '#core/again-many.ts';
import { cancel } from '#core/cancel.ts';
import { changed, generationOf, runTag } from '#gateway/etag.ts';
import { startsAs } from '#gateway/identity/authorise.ts';
import { operation } from '#gateway/operation.ts';
import { problemOf } from '#gateway/problem.ts';
import { requestOf } from '#gateway/request.ts';
import { sees, runUnknown, visibleRun } from '#gateway/rights.ts';
import { doneView, runView } from '#gateway/run-view.ts';
import { reason } from '#gateway/schemas/common.ts';
import { done, retried } from '#gateway/schemas/run.ts';
import { runId } from './get-run.ts';

const why = z.strictObject({ reason: reason.default('asked for') });
const headers = { etag: 'Its version now' };

/** What nobody has at work is cancelled at once; what is at work ends within seconds. In a halt, too. */
export const cancelRun = operation({
  params: runId,
  body: why,
  bodyIsOptional: true,
  status: 200,
  answer: done,
  headers,
  problems: ['RUN_UNKNOWN', 'LEDGER_CONFLICT'],
  async handle({ ports }, ask) {
    const run = await visibleRun(ports, ask.caller, ask.params.id);
    const result = await cancel(ports, run.id, requestOf(ask, ask.body.reason));
    return { body: doneView(result, ports.clock.nowMs()), headers: { etag: runTag(result.run) } };
  },
});

const refusals = ['KILL_SWITCH_HALTED', 'KILL_SWITCH_UNKNOWN', 'DEPENDENCY_UNAVAILABLE', 'LEDGER_CONFLICT'] as const;

export const retryRun = operation({
  params: runId,
  body: why,
  bodyIsOptional: true,
  ifMatch: 'The ETag of the run: it is begun again only if it is still of that generation',
  status: 200,
  answer: done,
  headers,
  problems: ['RUN_UNKNOWN', 'PRECONDITION_FAILED', ...refusals],
  async handle({ ports }, ask) {
    const { id } = ask.params;
    const run = await visibleRun(ports, ask.caller, id);
    // To begin it again is to start it.
    startsAs(ask.caller, run.task);
    const wanted = generationOf(ask.ifMatch, id);
    if (wanted !== undefined && wanted !== run.generation) throw changed(`run ${id}`);
    const result = await retry(ports, id, { ...requestOf(ask, ask.body.reason), generation: run.generation });
    // Somebody was faster, between our look and our write.
    if (wanted !== undefined && result.did === 'nothing' && result.run.generation !== wanted)
      throw changed(`run ${id}`);
    return { body: doneView(result, ports.clock.nowMs()), headers: { etag: runTag(result.run) } };
  },
});

export const retryRuns = operation({
  body: z.strictObject({ ids: z.array(z.uuid()).min(1).max(100), reason }).meta({ id: 'RetryRuns' }),
  status: 200,
  answer: retried,
  problems: [],
  async handle({ ports }, ask) {
    const ids = [...new Set(ask.body.ids)];
    const rows = (await ports.ledger.readMany(ids)).filter(({ tenant }) => sees(ask.caller, tenant));
    const found = new Map((await retryMany(ports, rows, requestOf(ask, ask.body.reason))).map((one) => [one.id, one]));
    const nowMs = ports.clock.nowMs();
    return { body: { runs: ids.map((id) => retriedView(id, found.get(id), nowMs)) } };
  },
});

function retriedView(id: string, one: RetriedOne | undefined, nowMs: number): z.output<typeof retried>['runs'][number] {
  if (one && one.did !== 'refused') {
    return { id, did: one.did, ...(one.why === undefined ? {} : { why: one.why }), run: runView(one.run, nowMs) };
  }
  const { code, detail } = problemOf(one?.failure ?? runUnknown(id), '').body;
  return { id, did: 'refused', code, why: detail };
}

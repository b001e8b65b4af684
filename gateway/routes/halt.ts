import * as z from 'zod';
import { engage, narrow, release, widen } from '#core/halt.ts';
import { readMirror, readSwitch, type Mirror, type Narrowed } from '#core/kill-switch.ts';
import { operated, type Subject } from '#core/operations.ts';
import { changed, tagsOf } from '#gateway/etag.ts';
import { haltView, historyEntry } from '#gateway/halt-view.ts';
import { operation, type Ask, type Reply, type Setting } from '#gateway/operation.ts';
import { Problem } from '#gateway/problem.ts';
import { requestOf } from '#gateway/request.ts';
import { personOf } from '#gateway/rights.ts';
import { auditCursor, instant, pageSize, queueName, reason, taskName } from '#gateway/schemas/common.ts';
import { engaged, halt, haltHistory as history, haltTarget, released } from '#gateway/schemas/halt.ts';

const epochTag = (epoch: number | undefined): Record<string, string> =>
  epoch === undefined ? {} : { etag: `"${epoch}"` };
const headers = { etag: 'The epoch, for If-Match of a release' };

export const getHalt = operation({
  status: 200,
  answer: halt,
  headers,
  problems: [],
  async handle({ ports }) {
    const body = await haltView(ports);
    return { body, headers: epochTag(body.epoch) };
  },
});

export const haltHistory = operation({
  query: z.strictObject({ limit: pageSize, cursor: auditCursor.optional() }),
  status: 200,
  answer: history,
  problems: [],
  async handle({ ports }, { query: { limit, cursor: from } }) {
    const page = await ports.auditLog.page({
      of: { subject: 'kill-switch' },
      limit,
      ...(from === undefined ? {} : { cursor: from }),
    });
    const more = page.cursor === undefined ? {} : { cursor: page.cursor };
    return { body: { entries: page.rows.flatMap(historyEntry), ...more } };
  },
});

interface Target {
  readonly queue?: string | undefined;
  readonly task?: string | undefined;
}
const notBoth = ({ queue, task }: Target): boolean => queue === undefined || task === undefined;
const bothNamed = 'names a queue and a task: halt one, then the other';
function narrowedTo({ queue, task }: Target): Pick<Narrowed, 'kind' | 'name'> | undefined {
  if (queue !== undefined) return { kind: 'queue', name: queue };
  return task === undefined ? undefined : { kind: 'task', name: task };
}
const named = ({ queue, task }: Target) => ({
  ...(queue === undefined ? {} : { queue }),
  ...(task === undefined ? {} : { task }),
});

/** The whole plane, one queue or one task: what `notBoth` says, as a reader has it. */
const documentedTargets = (fields: z.ZodRawShape, { id, one = fields }: { id: string; one?: z.ZodRawShape }) =>
  z
    .union([
      z.strictObject(fields).meta({ title: 'the whole plane' }),
      z.strictObject({ ...one, queue: queueName }).meta({ title: 'one queue' }),
      z.strictObject({ ...one, task: taskName }).meta({ title: 'one task' }),
    ])
    .meta({ id });

function subjectOf(ask: Ask<unknown, unknown, Target & { reason: string }>, how: Subject['how']): Subject {
  const request = requestOf(ask, ask.body.reason, named(ask.body));
  return { how, request, on: { killSwitch: true, tenant: ask.caller.tenant } };
}

/** Answered when nothing more can begin: 1.5 s later. It is done also when the audit cannot be written. */
export const engageHalt = operation({
  body: z.strictObject({ reason, ...haltTarget }).refine(notBoth, bothNamed),
  documentedBody: documentedTargets({ reason }, { id: 'EngageHalt' }),
  status: 200,
  answer: engaged,
  headers,
  problems: ['LEDGER_CONFLICT'],
  async handle({ ports }, ask) {
    const target = narrowedTo(ask.body);
    const who = { by: personOf(ask.caller.actor), reason: ask.body.reason };
    const subject = { ...subjectOf(ask, target ? 'narrow' : 'halt'), evenUnaudited: true };
    const key = await operated(ports, subject, async () => {
      if (!target) return (await engage(ports, who)).key;
      await narrow(ports, { ...who, ...target });
      return undefined;
    });
    const now = await haltView(ports);
    const did = target ? ('narrowed' as const) : ('engaged' as const);
    return { body: { did, ...(key === undefined ? {} : { key }), halt: now }, headers: epochTag(now.epoch) };
  },
});

const epoch = {
  epoch: z
    .int()
    .nonnegative()
    .optional()
    .meta({ description: 'Of the halt that is released, where no If-Match says it' }),
};
const engagedAt = {
  at: instant.optional().meta({
    description: 'When the halt of the queue or task was engaged that is released, as GET /halt shows it',
  }),
};
const releaseBody = z
  .strictObject({ reason, ...epoch, ...engagedAt, ...haltTarget })
  .refine(notBoth, bothNamed)
  .refine(({ at: engaged, ...target }) => engaged === undefined || narrowedTo(target) !== undefined, {
    path: ['at'],
    message: 'is of a queue or a task: name it, or send the epoch of the whole halt',
  });
type ReleaseAsk = Ask<unknown, unknown, z.output<typeof releaseBody>>;

export const releaseHalt = operation({
  body: releaseBody,
  documentedBody: documentedTargets(
    { reason, ...epoch },
    { id: 'ReleaseHalt', one: { reason, ...epoch, ...engagedAt } },
  ),
  ifMatch: 'The ETag of GET /halt: that halt is released, and none that was engaged later',
  status: 200,
  answer: released,
  headers,
  problems: ['PRECONDITION_REQUIRED', 'PRECONDITION_FAILED', 'RELEASE_BY_ANOTHER', 'HALT_CONFLICT', 'LEDGER_CONFLICT'],
  async handle(setting, ask) {
    // A key that somebody else has set becomes a halt with an epoch before it is released.
    await readSwitch(setting.ports);
    const { mirror } = await readMirror(setting.ports.control);
    const target = narrowedTo(ask.body);
    return target ? widened(setting, ask, { mirror, target }) : releasedWhole(setting, ask, mirror);
  },
});

async function releasedWhole(
  setting: Setting,
  ask: ReleaseAsk,
  mirror: Mirror,
): Promise<Reply<z.output<typeof released>>> {
  const { ports } = setting;
  const seen = epochOf(ask);
  if (seen === undefined) throw needEpoch();
  needEpochNow(seen, mirror);
  if (mirror.phase === 'clear') {
    const why = 'the plane is not halted';
    return { body: { did: 'nothing', why, halt: await haltView(ports) }, headers: epochTag(seen) };
  }
  if (mirror.phase === 'engaged') needAnother(setting, ask, mirror.by);
  const who = { by: personOf(ask.caller.actor), reason: ask.body.reason, epoch: seen };
  const result = await operated(ports, subjectOf(ask, 'release'), () => release(ports, who));
  const now = await haltView(ports);
  const did = result.state === 'clear' ? ('released' as const) : ('releasing' as const);
  const why = 'why' in result ? { why: result.why } : {};
  return { body: { did, ...why, halt: now }, headers: epochTag(now.epoch) };
}

async function widened(
  setting: Setting,
  ask: ReleaseAsk,
  { mirror, target }: { mirror: Mirror; target: Pick<Narrowed, 'kind' | 'name'> },
): Promise<Reply<z.output<typeof released>>> {
  const { ports } = setting;
  const entry = mirror.narrowed.find(({ kind, name }) => kind === target.kind && name === target.name);
  needEpochNow(epochOf(ask), mirror);
  if (entry) {
    const { at: seen } = ask.body;
    if (seen !== undefined && Date.parse(seen) !== entry.atMs) throw changed(`the halt of ${target.name}`);
    needAnother(setting, ask, entry.by);
    await operated(ports, subjectOf(ask, 'widen'), () => widen(ports, entry));
  }
  const now = await haltView(ports);
  if (entry) return { body: { did: 'widened', halt: now }, headers: epochTag(now.epoch) };
  const why = `the ${target.kind} ${target.name} was not halted on its own`;
  return { body: { did: 'nothing', why, halt: now }, headers: epochTag(now.epoch) };
}

/** @throws Problem PRECONDITION_FAILED */
function needEpochNow(seen: number | undefined, { epoch: now }: Mirror): void {
  if (seen !== undefined && seen !== now) throw changed(`the kill switch (epoch ${now} by now)`);
}

/** The epoch that was looked at, where one is said. @throws Problem PRECONDITION_FAILED */
function epochOf({ ifMatch, body }: ReleaseAsk): number | undefined {
  const [tag] = tagsOf(ifMatch) ?? [];
  if (tag === undefined) return body.epoch;
  const said = /^"(\d{1,9})"$/.exec(tag)?.[1];
  if (said === undefined) throw changed('the kill switch');
  return Number(said);
}

const needEpoch = (): Problem =>
  new Problem(
    'PRECONDITION_REQUIRED',
    'say which halt you mean: send the ETag of GET /halt as If-Match, or its epoch in the body; one that was engaged later nobody has looked at yet',
  );

/** Where the stage says so, two pairs of eyes end a halt. @throws Problem RELEASE_BY_ANOTHER */
function needAnother({ options }: Setting, { caller }: ReleaseAsk, engagedBy: string): void {
  if (options.releaseByAnother !== true || engagedBy !== personOf(caller.actor)) return;
  throw new Problem('RELEASE_BY_ANOTHER', `${engagedBy} has engaged this halt: another operator must release it`);
}

import * as z from 'zod';
import { isScheduleKey, scheduleKeys, scheduleRow, type ScheduleKey } from '#core/catalogue/schedules.ts';
import { parseCron, slotsAfter } from '#core/cron.ts';
import { Failure } from '#core/errors.ts';
import { pauseSchedule, readSchedule, resumeSchedule, type ScheduleRecord } from '#core/schedule-record.ts';
import { sampleSlots } from '#core/task-ports.ts';
import { needTag } from '#gateway/etag.ts';
import { operation, type Ask, type Reply, type Setting } from '#gateway/operation.ts';
import type { GatewayPorts } from '#gateway/ports.ts';
import { requestOf } from '#gateway/request.ts';
import { at, reason } from '#gateway/schemas/common.ts';
import { started } from '#gateway/schemas/run.ts';
import { scheduleChanged, scheduleDetail, scheduleList, type ScheduleView } from '#gateway/schemas/schedule.ts';
import { begun } from './start.ts';

/** Read as any text: one that there is not is 404, and no request of a wrong form. */
const params = z.strictObject({
  key: z.string().max(64).meta({ description: 'The key of a schedule', enum: scheduleKeys }),
});
const slotsShown = 10;
const headers = { etag: 'The version of its pause, for If-Match' };

/** @throws Failure SCHEDULE_UNKNOWN */
function keyOf({ key }: { key: string }): ScheduleKey {
  if (isScheduleKey(key)) return key;
  throw new Failure(
    'SCHEDULE_UNKNOWN',
    `there is no schedule ${JSON.stringify(key)}: GET /schedules lists those there are`,
  );
}

/** What a person can change of a schedule is its pause; its record changes with every slot. */
const pauseTag = ({ paused, pauses = [] }: ScheduleRecord): string =>
  `"${paused?.atMs ?? 0}.${pauses.at(-1)?.untilMs ?? 0}"`;

function nextSlots(ports: GatewayPorts, key: ScheduleKey): string[] {
  return slotsAfter(parseCron(scheduleRow(key).cron), ports.clock.nowMs(), { limit: slotsShown }).map(at);
}

async function view(ports: GatewayPorts, key: ScheduleKey): Promise<{ shown: ScheduleView; tag: string }> {
  const { value } = await readSchedule(ports, key);
  const { task, cron, overlap, catchUp, staleAfter } = scheduleRow(key);
  const { paused, lastRun } = value;
  const [nextSlot] = nextSlots(ports, key);
  const shown = {
    key,
    task,
    cron,
    overlap,
    catchUp,
    staleAfterSeconds: staleAfter,
    ...(paused ? { paused: { by: paused.by, reason: paused.reason, at: at(paused.atMs) } } : {}),
    ...(lastRun === undefined ? {} : { lastRun }),
    ...(nextSlot === undefined ? {} : { nextSlot }),
  };
  return { shown, tag: pauseTag(value) };
}

export const listSchedules = operation({
  status: 200,
  answer: scheduleList,
  problems: [],
  async handle({ ports }) {
    const views = await Promise.all(scheduleKeys.map((key) => view(ports, key)));
    return { body: { schedules: views.map(({ shown }) => shown) } };
  },
});

export const getSchedule = operation({
  params,
  status: 200,
  answer: scheduleDetail,
  headers,
  problems: ['SCHEDULE_UNKNOWN'],
  async handle({ ports }, ask) {
    const key = keyOf(ask.params);
    const [{ shown, tag }, ticks, scheduler] = await Promise.all([
      view(ports, key),
      sampleSlots(ports, key, slotsShown),
      schedulerHas(ports, key),
    ]);
    const lastTicks = ticks.map(({ slotMs, runId, state, latenessMs }) => ({
      slot: at(slotMs),
      run: runId,
      state,
      ...(latenessMs === undefined ? {} : { latenessSeconds: latenessMs / 1000 }),
    }));
    return { body: { ...shown, nextSlots: nextSlots(ports, key), lastTicks, scheduler }, headers: { etag: tag } };
  },
});

type SchedulerView = z.output<typeof scheduleDetail>['scheduler'];

/** The rest is worth showing also while Scheduler cannot be asked. */
async function schedulerHas({ schedules }: GatewayPorts, key: ScheduleKey): Promise<SchedulerView> {
  const [found] = await Promise.allSettled([schedules.read(key)]);
  if (found.status === 'rejected') return { state: 'unknown' };
  return found.value ? { ...found.value } : { state: 'missing' };
}

const problems = ['SCHEDULE_UNKNOWN', 'PRECONDITION_FAILED', 'LEDGER_CONFLICT'] as const;
const ifMatch = 'The ETag of the schedule: it is changed only if its pause is still that';

export const pause = operation({
  params,
  body: z.strictObject({ reason }),
  ifMatch,
  status: 200,
  answer: scheduleChanged,
  headers,
  problems,
  handle: (setting, ask) => change(setting, ask, { how: pauseSchedule, reason: ask.body.reason, did: 'paused' }),
});

export const resume = operation({
  params,
  body: z.strictObject({ reason: reason.default('asked for') }),
  bodyIsOptional: true,
  ifMatch,
  status: 200,
  answer: scheduleChanged,
  headers,
  problems,
  handle: (setting, ask) => change(setting, ask, { how: resumeSchedule, reason: ask.body.reason, did: 'resumed' }),
});

async function change(
  { ports }: Setting,
  ask: Ask<{ key: string }>,
  { how, reason: why, did }: { how: typeof pauseSchedule; reason: string; did: 'paused' | 'resumed' },
): Promise<Reply<z.output<typeof scheduleChanged>>> {
  const key = keyOf(ask.params);
  const check = (record: ScheduleRecord) => needTag(ask.ifMatch, pauseTag(record), `the schedule ${key}`);
  const changed = await how(ports, key, { ...requestOf(ask, why), check });
  const { shown, tag } = await view(ports, key);
  return { body: { did: changed ? did : 'nothing', schedule: shown }, headers: { etag: tag } };
}

/** A run of whoever asks, beside the schedule's own: it takes no slot, and no slot waits for it. */
export const trigger = operation({
  params,
  body: z.strictObject({ reason: reason.default('triggered by hand') }),
  bodyIsOptional: true,
  status: 202,
  answer: started,
  headers: { location: 'Where the run is', etag: 'Its version, for If-Match' },
  problems: ['SCHEDULE_UNKNOWN', 'KILL_SWITCH_UNKNOWN'],
  async handle(setting, ask) {
    const key = keyOf(ask.params);
    const { task, payload } = scheduleRow(key);
    const { idempotencyKey, ...rest } = ask;
    // Not the id of a run that was started otherwise under the same key.
    const named = idempotencyKey && setting.ports.ids.named(`trigger/${key}/${idempotencyKey}`);
    return begun(
      setting,
      { ...rest, ...(named === undefined ? {} : { idempotencyKey: named }) },
      { task, payload, where: 'schedule', schedule: key, reason: ask.body.reason },
    );
  },
});

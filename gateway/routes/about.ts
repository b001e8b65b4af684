import { queueNames, queueRow, type QueueName } from '#core/catalogue/queues.ts';
import { startsAs } from '#core/catalogue/roles.ts';
import { scheduleKeys, scheduleRow, type ScheduleKey } from '#core/catalogue/schedules.ts';
import { inhabitedQueues, taskContract, taskNames, type TaskName } from '#core/catalogue/tasks.ts';
import { everyRow } from '#gateway/every-row.ts';
import { jsonSchemaOf } from '#gateway/json-schema.ts';
import { operation } from '#gateway/operation.ts';
import { present } from '#gateway/present.ts';
import { readinessOf } from '#gateway/readiness.ts';
import { catalogue, health, me, readiness } from '#gateway/schemas/about.ts';
import { at } from '#gateway/schemas/common.ts';
import { apiVersion } from '#gateway/schemas/version.ts';

export const healthz = operation({
  status: 200,
  answer: health,
  problems: [],
  handle: async ({ options: { door } }) => ({ body: { status: 'ok' as const, door, version: apiVersion } }),
});

export const readyz = operation({
  status: 200,
  answer: readiness,
  otherStatus: { 503: 'Something is not ready; the checks name it' },
  problems: [],
  async handle(setting) {
    const body = await readinessOf(setting);
    return { body, ...(body.status === 'ready' ? {} : { status: 503, headers: { 'retry-after': '5' } }) };
  },
});

export const whoAmI = operation({
  status: 200,
  answer: me,
  problems: [],
  async handle(_, { caller }) {
    const { actor, tenant, roles, issuer, expiresAtMs, steppedUpAtMs } = caller;
    const rows = everyRow.filter((row) => row.roles === 'anyone' || row.roles.some((role) => roles.includes(role)));
    const body = {
      actor: { ...actor },
      tenant,
      roles: [...roles],
      issuer,
      tokenExpiresAt: at(expiresAtMs),
      ...present({ steppedUpAt: steppedUpAtMs === undefined ? undefined : at(steppedUpAtMs) }),
      mayStart: taskNames.filter((task) => startsAs(roles, taskContract(task)) !== undefined),
      mayCall: rows.map(({ method, path }) => `${method} ${path}`),
    };
    return { body };
  },
});

export const showCatalogue = operation({
  status: 200,
  answer: catalogue,
  problems: [],
  handle: async () => ({
    body: {
      version: apiVersion,
      tasks: taskNames.map(taskView),
      queues: queueNames.map(queueView),
      schedules: scheduleKeys.map(scheduleView),
    },
  }),
});

function taskView(name: TaskName) {
  const { title, queue, effect, whenHalted, startableBy, shortcut, costClass, payload, result } = taskContract(name);
  return {
    name,
    title,
    queue,
    effect,
    whenHalted,
    startableBy: [...startableBy],
    ...present({ shortcut }),
    costClass,
    payload: jsonSchemaOf(payload, 'input'),
    result: jsonSchemaOf(result, 'output'),
  };
}

function queueView(name: QueueName) {
  const { tier, kind, drives, timeout, maximumAttempts } = queueRow(name);
  return {
    name,
    tier,
    kind,
    drives,
    timeoutSeconds: timeout,
    maximumAttempts,
    hasTasks: inhabitedQueues.includes(name),
  };
}

function scheduleView(key: ScheduleKey) {
  const { task, cron } = scheduleRow(key);
  return { key, task, cron };
}

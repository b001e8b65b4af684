// What must not compile, held by the ordinary type check: an expected error that is gone is an error. That the compiler
// says the right thing about each is test/architecture/compile-errors.test.ts.
import { expect, expectTypeOf, it } from 'vitest';
import type { EnvironmentOf } from '#core/catalogue/entry-environment.ts';
import type { QueueName } from '#core/catalogue/queues.ts';
import type { ScheduleRow } from '#core/catalogue/schedules.ts';
import type { PayloadInputOf, PayloadOf, ResultOf, TaskContract, TaskOnQueue, UsesOf } from '#core/catalogue/tasks.ts';
import { seconds, type Seconds } from '#core/duration.ts';
import type { EnqueueRequest } from '#core/enqueue.ts';
import type { Effect } from '#core/ports.ts';
import type { AnyBody, TaskBodies, TaskContext } from '#core/task.ts';
import { anna, pullPayload } from './support.ts';

const anyBody: AnyBody = async () => ({});
const body = anyBody as never;
type Rule = Omit<ScheduleRow, 'task' | 'payload'>;
declare const rule: Rule;

export const mistakes = () => {
  // @ts-expect-error there is no such queue
  const queue: QueueName = 'celery';
  // @ts-expect-error there is no such queue
  const contract: Pick<TaskContract, 'queue'> = { queue: 'celery' };
  // @ts-expect-error there is no such effect
  const effect: Effect = 'artefacts.delete';
  // @ts-expect-error a bare number is no duration
  const duration: Seconds = 5;

  const request = { tenant: 'acme', actor: anna, as: 'operator' } as const;
  // @ts-expect-error there is no such task
  const unknown: EnqueueRequest = { ...request, task: 'ingest.push', payload: {} };
  // @ts-expect-error the payload misses its source
  const payload: PayloadInputOf<'ingest.pull'> = { connector: 'csv', dataset: 'd' };
  // @ts-expect-error the payload is another task's
  const wrong: EnqueueRequest<'ingest.pull'> = { ...request, task: 'ingest.pull', payload: {} };

  // @ts-expect-error there is no such task
  const nobody: ScheduleRow = { ...rule, task: 'beat.it', payload: {} };
  // @ts-expect-error the payload is not the task's
  const misfit: ScheduleRow = { ...rule, task: 'ingest.pull', payload: { connector: 'csv' } };

  // @ts-expect-error status.sync has no body
  const bodies: TaskBodies<'system'> = { 'killswitch.heartbeat': body, 'runs.reap': body };
  // @ts-expect-error the body belongs to another queue
  const stranger: TaskBodies<'ingestion'> = { 'ingest.pull': body, 'runs.reap': body };

  // @ts-expect-error most variables are missing
  const environment: EnvironmentOf<'ingestion'> = { STAGE: 'dev', CELL: 'dev' };
  return [queue, contract, effect, duration, unknown, payload, wrong, nobody, misfit, bodies, stranger, environment];
};

it('types follow the catalogue', () => {
  expect(mistakes).toBeTypeOf('function');
  // Not the whole of it: a task that is added must touch no test but its own.
  expectTypeOf<'ingest.pull'>().toExtend<TaskOnQueue<'ingestion'>>();
  expectTypeOf<Extract<TaskOnQueue<'ingestion'>, 'runs.reap'>>().toEqualTypeOf<never>();
  expectTypeOf<TaskOnQueue<'training'>>().toEqualTypeOf<never>();
  expectTypeOf<UsesOf<'runs.reap'>>().toEqualTypeOf<'reaper'>();
  expectTypeOf<keyof TaskContext<'status.sync'>['ports']>().toEqualTypeOf<'status'>();
  expectTypeOf(pullPayload).toExtend<PayloadInputOf<'ingest.pull'>>();
  expectTypeOf<PayloadOf<'ingest.pull'>['calendar']>().toEqualTypeOf<'auto' | 'XNYS' | 'weekdays' | 'every-day'>();
  expectTypeOf<ResultOf<'runs.reap'>['more']>().toEqualTypeOf<boolean>();
  expectTypeOf(seconds(5)).toEqualTypeOf<Seconds>();
});

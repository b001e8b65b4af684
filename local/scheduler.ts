// EventBridge Scheduler for queue targets. Every schedule has one next instant; whatever is due by the plane's clock is
// delivered, with AWS's placeholders replaced. A delivery that fails is tried again with growing pauses within its retry
// policy, under the same scheduled time, and then goes to the dead-letter queue. Delivery is at least once on AWS, and slots
// may arrive late or out of order: `deliver` does either on purpose.
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, PlaneError } from '#local/errors.ts';
import type { Emit } from '#local/plane-event.ts';
import { parseScheduleExpression, type ScheduleExpression } from '#local/schedule-expression.ts';
import type { ScheduleSpec } from '#local/schedule-resources.ts';

export interface Scheduler {
  schedules(): readonly ScheduleSpec[];
  /** The next instant at which any enabled schedule fires. */
  nextDueMs(): number | undefined;
  /** Starts the delivery of all that is due by the clock. */
  fireDue(): void;
  /** Delivers one slot now, due or not, delivered before or not; resolves when it is in its queue or given up. */
  deliver(scheduleName: string, scheduledAtMs: number): Promise<void>;
  /** Deliveries begun and not over, retries among them. */
  pending(): number;
  stop(): Promise<void>;
}

interface SchedulerOptions {
  schedules: ScheduleSpec[];
  client: SQSClient;
  nowMs: () => number;
  /** In [0, 1): where in its flexible window a slot fires. */
  random: () => number;
  newId: () => string;
  emit: Emit;
  /** Pause before the first retry; doubles up to a minute. Default 1,000. */
  retryPauseMs?: number;
}

interface Armed {
  spec: ScheduleSpec;
  expression: ScheduleExpression;
  slotMs: number | undefined;
  fireMs: number | undefined;
}

interface Delivery {
  spec: ScheduleSpec;
  slotMs: number;
  executionId: string;
  firstTriedMs: number;
}

const RETRY_PAUSE_MS = 1_000;
const RETRY_PAUSE_LIMIT_MS = 60_000;
/** Longer timers are cut, so that a clock that jumps is noticed; a jump also calls fireDue itself. */
const LONGEST_SLEEP_MS = 1_000;

/** Arms every schedule from now on and keeps firing until stopped. */
export function startScheduler(options: SchedulerOptions): Scheduler {
  return new QueueScheduler(options);
}

class QueueScheduler implements Scheduler {
  readonly #options: SchedulerOptions;
  readonly #armed: Armed[];
  readonly #stopping = new AbortController();
  readonly #pending = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    const anchorMs = options.nowMs();
    this.#armed = options.schedules.map((spec) => {
      const { expression, timeZone, name: owner } = spec;
      const armed = {
        spec,
        expression: parseScheduleExpression({ expression, timeZone, owner, anchorMs }),
        slotMs: undefined,
        fireMs: undefined,
      };
      return this.#arm(armed, Math.max(anchorMs, (spec.startMs ?? 0) - 1));
    });
    this.#wake();
  }

  schedules(): readonly ScheduleSpec[] {
    return this.#options.schedules;
  }

  nextDueMs(): number | undefined {
    const instants = this.#armed.flatMap(({ fireMs }) => (fireMs === undefined ? [] : [fireMs]));
    return instants.length > 0 ? Math.min(...instants) : undefined;
  }

  fireDue(): void {
    const nowMs = this.#options.nowMs();
    for (const armed of this.#armed) {
      while (armed.fireMs !== undefined && armed.slotMs !== undefined && armed.fireMs <= nowMs) {
        void this.#begin(armed.spec, armed.slotMs);
        this.#arm(armed, armed.slotMs);
      }
    }
  }

  deliver(scheduleName: string, scheduledAtMs: number): Promise<void> {
    const spec = this.#options.schedules.find(({ name }) => name === scheduleName);
    if (spec) return this.#begin(spec, scheduledAtMs);
    const known = this.#options.schedules.map(({ name }) => name).join(', ') || 'none';
    throw new PlaneError(
      'UNKNOWN_NAME',
      `There is no schedule ${scheduleName} on this plane. Known schedules: ${known}.`,
    );
  }

  pending(): number {
    return this.#pending.size;
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stopping.abort();
    await Promise.allSettled(this.#pending);
  }

  #arm(armed: Armed, afterMs: number): Armed {
    const { spec, expression } = armed;
    const slotMs = spec.enabled ? expression.nextAfter(afterMs) : undefined;
    armed.slotMs = slotMs !== undefined && slotMs <= (spec.endMs ?? Infinity) ? slotMs : undefined;
    armed.fireMs =
      armed.slotMs === undefined ? undefined : armed.slotMs + Math.floor(this.#options.random() * spec.windowMs);
    return armed;
  }

  #wake(): void {
    if (this.#stopping.signal.aborted) return;
    this.fireDue();
    const waitMs = (this.nextDueMs() ?? Infinity) - this.#options.nowMs();
    this.#timer = setTimeout(() => this.#wake(), Math.max(1, Math.min(waitMs, LONGEST_SLEEP_MS)));
  }

  #begin(spec: ScheduleSpec, slotMs: number): Promise<void> {
    const delivery = { spec, slotMs, executionId: this.#options.newId(), firstTriedMs: this.#options.nowMs() };
    const work = this.#untilDelivered(delivery).finally(() => this.#pending.delete(work));
    this.#pending.add(work);
    return work;
  }

  async #untilDelivered(delivery: Delivery): Promise<void> {
    for (let attempt = 1; !this.#stopping.signal.aborted; attempt += 1) {
      try {
        return await this.#send(delivery, attempt);
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        const exhausted = this.#exhausted(delivery, attempt);
        this.#failed(delivery, attempt, { error, final: exhausted !== undefined });
        if (exhausted !== undefined) return await this.#bury(delivery, attempt, { error, exhausted });
        await this.#pause(attempt);
      }
    }
  }

  async #send({ spec, slotMs, executionId }: Delivery, attempt: number): Promise<void> {
    const { queue, messageGroupId } = spec.target;
    const body = fillIn(spec, { slotMs, executionId, attempt });
    const command = new SendMessageCommand({
      QueueUrl: queue.url,
      MessageBody: body,
      ...(messageGroupId !== undefined && { MessageGroupId: messageGroupId }),
    });
    const { MessageId: messageId = '' } = await this.#options.client.send(command, {
      abortSignal: this.#stopping.signal,
    });
    this.#options.emit({
      type: 'tick',
      schedule: spec.name,
      scheduledAtMs: slotMs,
      queue: queue.name,
      attempt,
      messageId,
    });
  }

  /** The limit of the retry policy that is reached, by AWS's name for it. */
  #exhausted({ spec, firstTriedMs }: Delivery, attempt: number): string | undefined {
    if (attempt > spec.target.maximumRetryAttempts) return 'MaximumRetryAttempts';
    const ageMs = this.#options.nowMs() - firstTriedMs;
    return ageMs >= spec.target.maximumEventAgeMs ? 'MaximumEventAgeInSeconds' : undefined;
  }

  #failed({ spec, slotMs }: Delivery, attempt: number, { error, final }: { error: unknown; final: boolean }): void {
    const message = messageOf(error);
    this.#options.emit({ type: 'tick-failed', schedule: spec.name, scheduledAtMs: slotMs, attempt, message, final });
  }

  async #pause(attempt: number): Promise<void> {
    const pauseMs = Math.min((this.#options.retryPauseMs ?? RETRY_PAUSE_MS) * 2 ** (attempt - 1), RETRY_PAUSE_LIMIT_MS);
    await sleep(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }

  async #bury(
    delivery: Delivery,
    attempt: number,
    { error, exhausted }: { error: unknown; exhausted: string },
  ): Promise<void> {
    const { spec, slotMs, executionId } = delivery;
    const { deadLetterQueue, queue } = spec.target;
    if (!deadLetterQueue) return;
    const facts = {
      ERROR_CODE: error instanceof Error ? error.name : 'Error',
      ERROR_MESSAGE: messageOf(error),
      EXECUTION_ID: executionId,
      EXHAUSTED_RETRY_CONDITION: exhausted,
      IS_PAYLOAD_TRUNCATED: 'false',
      RETRY_ATTEMPTS: String(attempt - 1),
      SCHEDULED_TIME: toScheduledTime(slotMs),
      SCHEDULE_ARN: spec.arn,
      TARGET_ARN: queue.arn,
    };
    const attributes = Object.entries(facts).map(([name, value]) => [name, { DataType: 'String', StringValue: value }]);
    const letter = new SendMessageCommand({
      QueueUrl: deadLetterQueue.url,
      MessageBody: fillIn(spec, { slotMs, executionId, attempt }),
      MessageAttributes: Object.fromEntries(attributes),
    });
    await this.#options.client.send(letter).catch((cause: unknown) => {
      this.#options.emit({ type: 'error', where: `dead letter of ${spec.name}`, message: messageOf(cause) });
    });
  }
}

function fillIn(
  { arn, target }: ScheduleSpec,
  values: { slotMs: number; executionId: string; attempt: number },
): string {
  return target.input
    .replaceAll('<aws.scheduler.scheduled-time>', toScheduledTime(values.slotMs))
    .replaceAll('<aws.scheduler.schedule-arn>', arn)
    .replaceAll('<aws.scheduler.execution-id>', values.executionId)
    .replaceAll('<aws.scheduler.attempt-number>', String(values.attempt));
}

/** `2026-11-21T12:00:00Z`: AWS gives no milliseconds. */
function toScheduledTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

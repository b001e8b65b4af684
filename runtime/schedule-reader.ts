import {
  GetScheduleCommand,
  ResourceNotFoundException,
  SchedulerClient,
  type GetScheduleCommandOutput,
  type SchedulerClientConfig,
} from '@aws-sdk/client-scheduler';
import { scheduleRow } from '#core/catalogue/schedules.ts';
import type { DeployedSchedule, ScheduleReader } from '#core/ports-gateway.ts';

export interface ScheduleReaderOptions {
  readonly client: SchedulerClientConfig;
  readonly cell: string;
}

/**
 * What EventBridge Scheduler has of our schedules; it is read, never written: UpdateSchedule overwrites every field,
 * wants PassRole, and could forge ticks.
 */
export function scheduleReader({ client: options, cell }: ScheduleReaderOptions): ScheduleReader {
  const client = new SchedulerClient(options);
  return {
    async read(key) {
      // One group a cadence, as lib/constructs/beat.ts makes them.
      const GroupName = `alphaswarm-${cell}-${scheduleRow(key).cadence}`;
      try {
        return deployed(await client.send(new GetScheduleCommand({ Name: key, GroupName })));
      } catch (missing) {
        if (missing instanceof ResourceNotFoundException) return undefined;
        throw missing;
      }
    },
  };
}

function deployed({
  State,
  ScheduleExpression,
  ScheduleExpressionTimezone,
  Target,
}: GetScheduleCommandOutput): DeployedSchedule {
  const { MaximumRetryAttempts, MaximumEventAgeInSeconds } = Target?.RetryPolicy ?? {};
  return {
    state: State === 'ENABLED' ? 'ENABLED' : 'DISABLED',
    expression: ScheduleExpression ?? '',
    timezone: ScheduleExpressionTimezone ?? 'UTC',
    ...(MaximumRetryAttempts === undefined ? {} : { maximumRetries: MaximumRetryAttempts }),
    ...(MaximumEventAgeInSeconds === undefined ? {} : { maximumEventAgeSeconds: MaximumEventAgeInSeconds }),
  };
}

import { scheduleKeys, scheduleRow, type ScheduleKey } from '#core/catalogue/schedules.ts';
import { at, differences, named, ofType, sorted, textOf, type Law, type Plane } from '../plane.ts';
import { allowedTo, roleIdOf, statementsIn } from '../policies.ts';
import { deadLettersIn, queueIn } from './queues.ts';

const scheduleIn = (plane: Plane, key: string) => named(plane, 'AWS::Scheduler::Schedule', key).Properties;
const groupName = (plane: Plane, key: ScheduleKey): string =>
  `alphaswarm-${plane.stage.cell}-${scheduleRow(key).cadence}`;

const eachSchedule = (check: (plane: Plane, key: ScheduleKey) => string[]) => (plane: Plane) =>
  scheduleKeys.flatMap((key) => check(plane, key));

const schedulerRole = (plane: Plane) => {
  const id = roleIdOf(at(ofType(plane, 'AWS::Scheduler::Schedule')[0]?.Properties, 'Target.RoleArn'));
  return { id, properties: plane.template.Resources[id]?.Properties };
};

export const beatLaws: Law[] = [
  {
    says: 'the schedules are those of the catalogue, enabled, on their cron in UTC, to the minute',
    broken: (plane) => [
      ...differences(
        'the list of schedules',
        sorted(ofType(plane, 'AWS::Scheduler::Schedule').map(({ Properties: { Name: name } }) => textOf(name))),
        sorted(scheduleKeys),
      ),
      ...eachSchedule((one, key) => {
        const { ScheduleExpression, ScheduleExpressionTimezone, FlexibleTimeWindow, State } = scheduleIn(one, key);
        const read = [ScheduleExpression, ScheduleExpressionTimezone, FlexibleTimeWindow, State];
        return differences(key, read, [scheduleRow(key).cron, 'UTC', { Mode: 'OFF' }, 'ENABLED']);
      })(plane),
    ],
    planted: (plane) => (scheduleIn(plane, 'runs-reap')['ScheduleExpressionTimezone'] = 'Europe/Berlin'),
  },
  {
    says: 'a tick says which schedule and which slot, and goes to the queue `system`',
    broken: eachSchedule((plane, key) => [
      ...differences(
        `input of ${key}`,
        at(scheduleIn(plane, key), 'Target.Input'),
        `{"v":1,"schedule":"${key}","slot":"<aws.scheduler.scheduled-time>"}`,
      ),
      ...differences(
        `target of ${key}`,
        textOf(at(scheduleIn(plane, key), 'Target.Arn')),
        `\${${queueIn(plane, 'system').id}.Arn}`,
      ),
    ]),
    planted: (plane) => {
      const target = scheduleIn(plane, 'status-sync')['Target'] as { Input: string };
      target.Input = target.Input.replace('scheduled-time', 'execution-id');
    },
  },
  {
    says: 'retries, their age, and the dead-letter queue of a schedule are spelled out',
    broken: eachSchedule((plane, key) => {
      const { maximumRetries, maximumEventAge } = scheduleRow(key);
      const target = scheduleIn(plane, key)['Target'] as { RetryPolicy: unknown; DeadLetterConfig?: { Arn: unknown } };
      const policy = { MaximumEventAgeInSeconds: maximumEventAge, MaximumRetryAttempts: maximumRetries };
      const letters = `\${${deadLettersIn(plane, 'system').id}.Arn}`;
      return [
        ...differences(`retries of ${key}`, target.RetryPolicy, policy),
        ...differences(`dead letters of ${key}`, textOf(target.DeadLetterConfig?.Arn), letters),
      ];
    }),
    planted: (plane) => {
      const target = scheduleIn(plane, 'runs-reap')['Target'] as { RetryPolicy?: unknown };
      delete target.RetryPolicy;
    },
  },
  {
    says: 'there is a group for each cadence in use, and each schedule is in that of its cadence',
    broken: (plane) => {
      const groups = new Map(
        ofType(plane, 'AWS::Scheduler::ScheduleGroup').map(({ id, Properties: { Name: name } }) => [
          `\${${id}}`,
          textOf(name),
        ]),
      );
      const used = new Set(scheduleKeys.map((key) => groupName(plane, key)));
      return [
        ...differences('the list of groups', sorted(groups.values()), sorted(used)),
        ...scheduleKeys.flatMap((key) =>
          differences(
            `group of ${key}`,
            groups.get(textOf(scheduleIn(plane, key)['GroupName'])),
            groupName(plane, key),
          ),
        ),
      ];
    },
    planted: (plane) => delete scheduleIn(plane, 'killswitch-heartbeat')['GroupName'],
  },
  {
    says: 'the role of Scheduler may send to `system` and its dead letters, and do nothing else',
    broken: (plane) => {
      const statements = allowedTo(plane, schedulerRole(plane).id);
      const targets = [queueIn(plane, 'system'), deadLettersIn(plane, 'system')].map(({ id }) => `\${${id}.Arn}`);
      return [
        ...differences(
          'actions of Scheduler',
          statements.flatMap(({ actions }) => actions),
          ['sqs:SendMessage'],
        ),
        ...differences(
          'resources of Scheduler',
          statements.flatMap(({ resources }) => resources),
          sorted(targets),
        ),
      ];
    },
    planted: (plane) => {
      const { id } = schedulerRole(plane);
      const policy = ofType(plane, 'AWS::IAM::Policy').find((one) => textOf(one.Properties['Roles']) === `\${${id}}`);
      const statements = at(policy?.Properties, 'PolicyDocument.Statement') as { Resource: unknown }[];
      if (statements[0]) statements[0].Resource = '*';
    },
  },
  {
    says: 'the role of Scheduler is assumed for our groups in our account only (confused deputy)',
    broken: (plane) => {
      const trust = statementsIn(schedulerRole(plane).properties?.['AssumeRolePolicyDocument']);
      const arns = [...new Set(scheduleKeys.map((key) => groupName(plane, key)))].map(
        (name) => `arn:\${AWS::Partition}:scheduler:\${AWS::Region}:\${AWS::AccountId}:schedule-group/${name}`,
      );
      const conditions = trust.map(
        ({ condition }) => at(condition, 'StringEquals') as Record<string, unknown> | undefined,
      );
      return [
        ...differences(
          'principals',
          trust.flatMap(({ principals }) => principals),
          ['scheduler.amazonaws.com'],
        ),
        ...differences(
          'accounts',
          conditions.map((one) => textOf(one?.['aws:SourceAccount'])),
          ['${AWS::AccountId}'],
        ),
        ...differences(
          'sources',
          conditions.map((one) => sorted([one?.['aws:SourceArn']].flat().map(textOf)).join()),
          [sorted(arns).join()],
        ),
      ];
    },
    planted: (plane) => {
      const trust = at(schedulerRole(plane).properties, 'AssumeRolePolicyDocument.Statement') as {
        Condition?: unknown;
      }[];
      delete trust[0]?.Condition;
    },
  },
  {
    says: 'a schedule waits for its role to have its policy, since the first tick comes within a minute',
    broken: (plane) =>
      ofType(plane, 'AWS::Scheduler::Schedule').flatMap(({ id, DependsOn: waits = [] }) =>
        waits.some((one) => plane.template.Resources[one]?.Type === 'AWS::IAM::Policy') ? [] : [`${id} does not wait`],
      ),
    planted: (plane) => {
      const schedule = ofType(plane, 'AWS::Scheduler::Schedule')[0];
      if (schedule) delete plane.template.Resources[schedule.id]?.DependsOn;
    },
  },
];

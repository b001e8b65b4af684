import { entryPoints, type EntryPointName } from '#core/catalogue/entry-points.ts';
import { limits } from '#core/catalogue/limits.ts';
import { queueNames, queueRow, type QueueName } from '#core/catalogue/queues.ts';
import { at, differences, named, ofType, sorted, textOf, type Law, type Plane } from '../plane.ts';
import { allowedTo, queuePolicy } from '../policies.ts';
import { roleOf } from '../workers.ts';

const suffix = (name: QueueName): string => (queueRow(name).kind === 'fifo' ? '.fifo' : '');
export const queueIn = (plane: Plane, name: QueueName) =>
  named(plane, 'AWS::SQS::Queue', `alphaswarm-${plane.stage.cell}-${name}${suffix(name)}`);
export const deadLettersIn = (plane: Plane, name: QueueName) =>
  named(plane, 'AWS::SQS::Queue', `alphaswarm-${plane.stage.cell}-${name}-dlq${suffix(name)}`);

const eachQueue = (check: (plane: Plane, name: QueueName) => string[]) => (plane: Plane) =>
  queueNames.flatMap((name) => check(plane, name));
const allQueues = (check: (queue: ReturnType<typeof ofType>[number]) => string[]) => (plane: Plane) =>
  ofType(plane, 'AWS::SQS::Queue').flatMap(check);

/** Roles that may send to a queue: of the functions and executors that write to it, and Scheduler's where ticks go. */
function sendersOf(plane: Plane, name: QueueName): string[] {
  const writers = (Object.keys(entryPoints) as EntryPointName[]).filter((one) =>
    entryPoints[one].writesTo.includes(name),
  );
  const roles = writers.map((one) => `\${${roleOf(plane, one)}.Arn}`);
  const scheduler = ofType(plane, 'AWS::Scheduler::Schedule').map((one) =>
    textOf(at(one.Properties, 'Target.RoleArn')),
  );
  return sorted(new Set(name === 'system' ? [...roles, ...scheduler] : roles));
}

/** Who is left by the queue's Deny: nobody when it has no condition. `undefined`: there is no Deny. */
function admitted(plane: Plane, queueId: string): string[] | undefined {
  const deny = queuePolicy(plane, queueId).find(
    ({ effect, actions }) => effect === 'Deny' && actions[0] === 'sqs:SendMessage',
  );
  if (!deny || deny.principals.join() !== '*') return undefined;
  if (deny.condition === undefined) return [];
  const arns = at(deny.condition, 'ArnNotEquals') as Record<string, unknown> | undefined;
  return arns && sorted([arns['aws:PrincipalArn']].flat().map(textOf));
}

function mayLetThemselvesIn(plane: Plane, name: QueueName): string[] {
  const arn = `\${${queueIn(plane, name).id}.Arn}`;
  const allowed = ofType(plane, 'AWS::IAM::Role').filter(({ id }) =>
    allowedTo(plane, id).some((one) => one.actions.includes('sqs:SendMessage') && one.resources.includes(arn)),
  );
  return sorted(allowed.map(({ id }) => `\${${id}.Arn}`));
}

export const queueLaws: Law[] = [
  {
    says: 'the queues are those of the catalogue, each with its dead-letter queue, FIFO where its row says so',
    broken: (plane) => {
      const expected = queueNames.flatMap((name) =>
        [name, `${name}-dlq`].map(
          (part) => `alphaswarm-${plane.stage.cell}-${part}${suffix(name)} ${suffix(name) !== ''}`,
        ),
      );
      const found = ofType(plane, 'AWS::SQS::Queue').map(
        ({ Properties: { QueueName: name, FifoQueue: fifo } }) => `${textOf(name)} ${fifo === true}`,
      );
      return differences('the list of queues', sorted(found), sorted(expected));
    },
    planted: (plane) => delete queueIn(plane, 'paper').Properties['FifoQueue'],
  },
  {
    says: 'every queue keeps its messages for 14 days, explicitly (SQS alone keeps them for 4)',
    broken: allQueues(({ id, Properties: { MessageRetentionPeriod: kept } }) =>
      differences(`retention of ${id}`, kept, 14 * 24 * 3600),
    ),
    planted: (plane) => delete deadLettersIn(plane, 'hft').Properties['MessageRetentionPeriod'],
  },
  {
    says: 'a message comes back 10 s after its function must have ended; 15 s after an executor took it, which by then has claimed its run',
    broken: eachQueue((plane, name) => {
      const { tier, timeout } = queueRow(name);
      const hidden = tier === 'heavy' ? 15 : timeout + 10;
      return differences(`visibility of ${name}`, queueIn(plane, name).Properties['VisibilityTimeout'], hidden);
    }),
    planted: (plane) => (queueIn(plane, 'ingestion').Properties['VisibilityTimeout'] = 720),
  },
  {
    says: 'messages are put off at first by as much as their row says',
    broken: eachQueue((plane, name) =>
      differences(`delay of ${name}`, queueIn(plane, name).Properties['DelaySeconds'], queueRow(name).deliveryDelay),
    ),
    planted: (plane) => (queueIn(plane, 'kick').Properties['DelaySeconds'] = 0),
  },
  {
    says: 'after 1,000 receives a message goes to the dead-letter queue of its queue, which takes from no other',
    broken: eachQueue((plane, name) => {
      const [queue, letters] = [queueIn(plane, name), deadLettersIn(plane, name)];
      const arn = `arn:\${AWS::Partition}:sqs:\${AWS::Region}:\${AWS::AccountId}:${textOf(queue.Properties['QueueName'])}`;
      return [
        ...differences(
          `receives of ${name}`,
          at(queue.Properties, 'RedrivePolicy.maxReceiveCount'),
          limits.maximumReceives,
        ),
        ...differences(
          `dead letters of ${name}`,
          textOf(at(queue.Properties, 'RedrivePolicy.deadLetterTargetArn')),
          `\${${letters.id}.Arn}`,
        ),
        ...differences(
          `permission of ${name}'s`,
          at(letters.Properties, 'RedriveAllowPolicy.redrivePermission'),
          'byQueue',
        ),
        ...differences(
          `source of ${name}'s`,
          textOf(at(letters.Properties, 'RedriveAllowPolicy.sourceQueueArns')),
          arn,
        ),
      ];
    }),
    planted: (plane) => delete queueIn(plane, 'rag').Properties['RedrivePolicy'],
  },
  {
    says: 'every queue is encrypted at rest',
    broken: allQueues(({ id, Properties: { SqsManagedSseEnabled: on } }) =>
      differences(`encryption of ${id}`, on, true),
    ),
    planted: (plane) => (queueIn(plane, 'ml').Properties['SqsManagedSseEnabled'] = false),
  },
  {
    says: 'every queue refuses what does not come over TLS',
    broken: (plane) =>
      ofType(plane, 'AWS::SQS::Queue').flatMap(({ id }) => {
        const tls = queuePolicy(plane, id).filter(
          ({ effect, actions, principals, condition }) =>
            effect === 'Deny' &&
            actions.join() === 'sqs:*' &&
            principals.join() === '*' &&
            JSON.stringify(condition) === '{"Bool":{"aws:SecureTransport":"false"}}',
        );
        return tls.length === 1 ? [] : [`${id} has ${tls.length} statements that refuse plain connections`];
      }),
    planted: (plane) => {
      const policy = ofType(plane, 'AWS::SQS::QueuePolicy')[0];
      if (policy) delete plane.template.Resources[policy.id];
    },
  },
  {
    says: 'every queue names its senders and refuses all others; only Scheduler and the system function write to `system`',
    broken: eachQueue((plane, name) =>
      differences(`senders admitted to ${name}`, admitted(plane, queueIn(plane, name).id), sendersOf(plane, name)),
    ),
    planted: (plane) => {
      const { id } = queueIn(plane, 'system');
      const policy = ofType(plane, 'AWS::SQS::QueuePolicy').find(
        (one) => textOf(one.Properties['Queues']) === `\${${id}}`,
      );
      const statements = at(policy?.Properties, 'PolicyDocument.Statement') as unknown[];
      statements.pop();
    },
  },
  {
    says: 'no role may send to a queue that does not admit it',
    broken: eachQueue((plane, name) =>
      differences(`roles that may send to ${name}`, mayLetThemselvesIn(plane, name), sendersOf(plane, name)),
    ),
    planted: (plane) => {
      const role = roleOf(plane, 'ingestion');
      const policy = ofType(plane, 'AWS::IAM::Policy').find((one) => textOf(one.Properties['Roles']) === `\${${role}}`);
      const statements = at(policy?.Properties, 'PolicyDocument.Statement') as unknown[];
      const system = { 'Fn::GetAtt': [queueIn(plane, 'system').id, 'Arn'] };
      statements.push({ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: system });
    },
  },
  {
    says: 'FIFO queues of many groups have high throughput; ids by content are for `kick` alone, to which rules send',
    broken: eachQueue((plane, name) => {
      const { kind, group } = queueRow(name);
      const fast = kind === 'fifo' && group !== 'queue';
      const { Properties: properties } = queueIn(plane, name);
      const read = ['ContentBasedDeduplication', 'DeduplicationScope', 'FifoThroughputLimit'].map(
        (key) => properties[key] ?? '-',
      );
      const expected = fast ? ['messageGroup', 'perMessageGroupId'] : ['-', '-'];
      return differences(`FIFO settings of ${name}`, read, [kind === 'fifo' ? name === 'kick' : '-', ...expected]);
    }),
    planted: (plane) => (queueIn(plane, 'terraform').Properties['ContentBasedDeduplication'] = true),
  },
];

import { families, type Family } from '#core/catalogue/entry-points.ts';
import { queueNames } from '#core/catalogue/queues.ts';
import { parseKick } from '#core/kick.ts';
import { at, differences, named, ofType, sorted, textOf, type Law, type Plane, type Properties } from '../plane.ts';
import { queuePolicy } from '../policies.ts';
import { arnOf, definitionIn, eachFamily } from '../workers.ts';
import { deadLettersIn, queueIn } from './queues.ts';

const ruleIn = (plane: Plane, family: Family) =>
  named(plane, 'AWS::Events::Rule', `alphaswarm-${plane.stage.cell}-${family}-stopped`);
const targetsOf = (plane: Plane, family: Family) => ruleIn(plane, family).Properties['Targets'] as Properties[];
const rules = (plane: Plane) => ofType(plane, 'AWS::Events::Rule');

/** The body that a template makes of an event in which every variable reads as its own name. */
const filled = (template: unknown): string => textOf(template).replaceAll(/<(\w+)>/g, '"$1"');

function admittedRules(plane: Plane, queueId: string): unknown[] {
  return queuePolicy(plane, queueId)
    .filter(({ effect, actions }) => effect === 'Allow' && actions.join() === 'sqs:SendMessage')
    .map(({ principals, condition }) => [principals.join(), textOf(at(condition, 'ArnEquals.aws:SourceArn'))]);
}

export const ruleLaws: Law[] = [
  {
    says: 'each family has one rule: its own tasks, of our cluster, that have stopped, and there is no other rule',
    broken: (plane) => [
      ...differences('the number of rules', rules(plane).length, families.length),
      ...eachFamily((one, family) => {
        const { EventPattern, EventBusName, State } = ruleIn(one, family).Properties;
        const [cluster] = ofType(one, 'AWS::ECS::Cluster');
        const expected = {
          source: ['aws.ecs'],
          'detail-type': ['ECS Task State Change'],
          detail: {
            clusterArn: [{ 'Fn::GetAtt': [cluster?.id, 'Arn'] }],
            group: [`family:${textOf(definitionIn(one, family).Properties['Family'])}`],
            lastStatus: ['STOPPED'],
          },
        };
        return differences(`rule of ${family}`, [EventPattern, EventBusName, State], [expected, undefined, 'ENABLED']);
      })(plane),
    ],
    planted: (plane) => {
      const pattern = ruleIn(plane, 'backtest').Properties['EventPattern'] as { detail: Properties };
      delete pattern.detail['clusterArn'];
    },
  },
  {
    says: 'it sends the kick that the dispatcher parses, in the group of its family',
    broken: eachFamily((plane, family) => {
      const [target, ...others] = targetsOf(plane, family);
      const kick = parseKick(filled(at(target, 'InputTransformer.InputTemplate')));
      const paths = { task: '$.detail.taskArn', stopCode: '$.detail.stopCode', reason: '$.detail.stoppedReason' };
      return [
        ...differences('further targets', others, []),
        ...differences('target', textOf(target?.['Arn']), arnOf(queueIn(plane, 'kick'))),
        ...differences('group', at(target, 'SqsParameters.MessageGroupId'), family),
        ...differences('variables', at(target, 'InputTransformer.InputPathsMap'), paths),
        ...differences('kick', kick, {
          family,
          cause: 'stopped',
          task: 'task',
          stopCode: 'stopCode',
          reason: 'reason',
        }),
      ];
    }),
    planted: (plane) => {
      const [target] = targetsOf(plane, 'backtest');
      if (target) target['SqsParameters'] = { MessageGroupId: 'ml' };
    },
  },
  {
    says: 'what cannot be delivered goes to a standard queue, since EventBridge takes no other, within an hour',
    broken: eachFamily((plane, family) => {
      const [target] = targetsOf(plane, family);
      const age = at(target, 'RetryPolicy.MaximumEventAgeInSeconds');
      return [
        ...differences(
          'dead letters',
          textOf(at(target, 'DeadLetterConfig.Arn')),
          arnOf(deadLettersIn(plane, 'system')),
        ),
        ...differences('event age', age, 3600),
      ];
    }),
    planted: (plane) => {
      const [target] = targetsOf(plane, 'backtest');
      if (target) target['DeadLetterConfig'] = { Arn: { 'Fn::GetAtt': [deadLettersIn(plane, 'kick').id, 'Arn'] } };
    },
  },
  {
    says: 'EventBridge may send for these rules alone, to `kick` and where undelivered events go, and to no other queue',
    broken: (plane) => {
      const arns = sorted(families.map((family) => arnOf(ruleIn(plane, family)))).join();
      const expected = [['events.amazonaws.com', arns]];
      const admitting = new Set([queueIn(plane, 'kick').id, deadLettersIn(plane, 'system').id]);
      return queueNames
        .flatMap((name) => [queueIn(plane, name).id, deadLettersIn(plane, name).id])
        .flatMap((id) => differences(id, admittedRules(plane, id), admitting.has(id) ? expected : []));
    },
    planted: (plane) => {
      const { id } = queueIn(plane, 'kick');
      const policy = ofType(plane, 'AWS::SQS::QueuePolicy').find(
        (one) => textOf(one.Properties['Queues']) === `\${${id}}`,
      );
      const statements = at(policy?.Properties, 'PolicyDocument.Statement') as Properties[];
      delete statements.at(-1)?.['Condition'];
    },
  },
  {
    says: 'the refusal of others spares AWS services on `kick` only, where EventBridge has no role to be named by',
    broken: (plane) =>
      queueNames.flatMap((name) => {
        const deny = queuePolicy(plane, queueIn(plane, name).id).find(
          ({ effect, actions }) => effect === 'Deny' && actions.join() === 'sqs:SendMessage',
        );
        const spares = at(deny?.condition, 'BoolIfExists');
        return differences(name, spares, name === 'kick' ? { 'aws:PrincipalIsAWSService': 'false' } : undefined);
      }),
    planted: (plane) => {
      const { id } = queueIn(plane, 'kick');
      const policy = ofType(plane, 'AWS::SQS::QueuePolicy').find(
        (one) => textOf(one.Properties['Queues']) === `\${${id}}`,
      );
      const statements = at(policy?.Properties, 'PolicyDocument.Statement') as { Condition?: Properties }[];
      for (const { Condition: condition } of statements) delete condition?.['BoolIfExists'];
    },
  },
];

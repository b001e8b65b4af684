import { expect, test } from 'vitest';
import { thinTemplate } from '#localstack/run/thin.ts';

const template = {
  Resources: {
    Cluster: { Type: 'AWS::ECS::Cluster' },
    Rule: {
      Type: 'AWS::Events::Rule',
      DependsOn: ['Cluster', 'Queue'],
      Properties: {
        EventPattern: { detail: { clusterArn: [{ 'Fn::GetAtt': ['Cluster', 'Arn'] }] } },
        Description: { 'Fn::Sub': 'of ${Cluster.Arn} and ${Queue}' },
        Targets: [{ Arn: { 'Fn::GetAtt': ['Queue', 'Arn'] } }],
      },
    },
    Queue: { Type: 'AWS::SQS::Queue', DependsOn: 'Cluster' },
  },
  Outputs: { Name: { Value: { Ref: 'Cluster' } } },
};
const stand = (logicalId: string, attribute: string): string | undefined =>
  logicalId === 'Cluster' ? `cluster/${attribute}` : undefined;

test('a skipped resource is not deployed, and what referred to it says what our filler answers to', () => {
  const thin = thinTemplate(template, new Set(['Cluster']), stand);
  expect(thin).toEqual({
    Resources: {
      Rule: {
        Type: 'AWS::Events::Rule',
        DependsOn: ['Queue'],
        Properties: {
          EventPattern: { detail: { clusterArn: ['cluster/Arn'] } },
          Description: { 'Fn::Sub': 'of cluster/Arn and ${Queue}' },
          Targets: [{ Arn: { 'Fn::GetAtt': ['Queue', 'Arn'] } }],
        },
      },
      Queue: { Type: 'AWS::SQS::Queue' },
    },
    Outputs: { Name: { Value: 'cluster/Ref' } },
  });
});

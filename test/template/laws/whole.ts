import { homedir, userInfo } from 'node:os';
import { ofType, root, type Law, type Plane } from '../plane.ts';

/** Types that prepare an account with code of the CDK's own: the local plane cannot run them, and we need none. */
const isCustom = (type: string): boolean =>
  type.startsWith('Custom::') || type === 'AWS::CloudFormation::CustomResource';

const importsOf = (plane: Plane): string[] => JSON.stringify(plane.template).match(/Fn::ImportValue|"Export"/g) ?? [];

export const wholeLaws: Law[] = [
  {
    says: 'nothing is a custom resource',
    broken: (plane) =>
      Object.values(plane.template.Resources)
        .map(({ Type: type }) => type)
        .filter(isCustom),
    planted: (plane) => (plane.template.Resources['Helper'] = { Type: 'Custom::S3AutoDeleteObjects', Properties: {} }),
  },
  {
    says: 'the template stands alone: no exports, no imports, no conditions',
    broken: (plane) => [...importsOf(plane), ...Object.keys(plane.template.Conditions ?? {})],
    planted: (plane) => (plane.template.Outputs = { Bus: { Value: 'x', Export: { Name: 'Bus' } } }),
  },
  {
    says: 'the template names no account, no region, no folder and no user of the machine that made it',
    broken: (plane) => {
      const text = JSON.stringify(plane.template);
      const personal = [root, homedir(), userInfo().username === 'root' ? '/root/' : userInfo().username];
      return [
        ...(text.match(/\b\d{12}\b/g) ?? []),
        ...(text.match(/\b(?:us|eu|ap|sa|ca|me|af)-[a-z]+-\d\b/g) ?? []),
        ...personal.filter((one) => one.length > 3 && text.includes(one)),
      ];
    },
    planted: (plane) => {
      const [bus] = ofType(plane, 'AWS::Events::EventBus');
      if (bus) bus.Properties['Description'] = 'arn:aws:events:eu-central-1:123456789012:event-bus/default';
    },
  },
];

// Policy documents of the template, as statements in which everything is a list of lines.
import { ofType, sorted, textOf, type Plane, type Properties } from './plane.ts';

export interface Statement {
  readonly effect: string;
  readonly actions: string[];
  readonly resources: string[];
  readonly principals: string[];
  readonly condition: unknown;
}

const lines = (value: unknown): string[] =>
  value === undefined ? [] : sorted((Array.isArray(value) ? value : [value]).map(textOf));

export function statementsIn(document: unknown): Statement[] {
  const { Statement: statements } = document as { Statement: Properties[] };
  return statements.map((one) => ({
    effect: textOf(one['Effect']),
    actions: lines(one['Action']),
    resources: lines(one['Resource']),
    principals: Object.values((one['Principal'] as Properties | undefined) ?? {}).flatMap(lines),
    condition: one['Condition'],
  }));
}

/** Those of our roles: what is too long for one within a role CDK goes on with in a managed one, of ours as well. */
export const policiesIn = (plane: Plane) => [
  ...ofType(plane, 'AWS::IAM::Policy'),
  ...ofType(plane, 'AWS::IAM::ManagedPolicy'),
];

/** What the policies attached to a role allow. */
export const allowedTo = (plane: Plane, roleId: string): Statement[] =>
  policiesIn(plane)
    .filter(({ Properties: { Roles: roles } }) => lines(roles).includes(`\${${roleId}}`))
    .flatMap(({ Properties: { PolicyDocument: document } }) => statementsIn(document));

/** What a queue's own policy says. */
export const queuePolicy = (plane: Plane, queueId: string): Statement[] =>
  ofType(plane, 'AWS::SQS::QueuePolicy')
    .filter(({ Properties: { Queues: queues } }) => lines(queues).includes(`\${${queueId}}`))
    .flatMap(({ Properties: { PolicyDocument: document } }) => statementsIn(document));

/** Logical id of the role that a function, or every schedule, runs under. */
export const roleIdOf = (arn: unknown): string => textOf(arn).replace(/^\$\{(\w+)\.Arn\}$/, '$1');

/** Resources on which a role may do `action`. */
export const resourcesOf = (statements: Statement[], action: string): string[] =>
  sorted(new Set(statements.filter(({ actions }) => actions.includes(action)).flatMap(({ resources }) => resources)));

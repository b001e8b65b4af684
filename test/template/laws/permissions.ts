import { entryPoints, families, isFamily, type EntryPointName } from '#core/catalogue/entry-points.ts';
import { tasksOf, taskContract } from '#core/catalogue/tasks.ts';
import { differences, ofType, sorted, textOf, type Law, type Plane, at } from '../plane.ts';
import { allowedTo, resourcesOf, statementsIn, type Statement } from '../policies.ts';
import { eachEntryPoint, entryPointNames, executionRoleOf, functionIn, roleOf } from '../workers.ts';
import { deadLettersIn, queueIn } from './queues.ts';

const allowed = (plane: Plane, name: EntryPointName): Statement[] => allowedTo(plane, roleOf(plane, name));

/** What a function does beside its SDK calls: Lambda writes its log and its trace under its role. */
const ofLambdaItself = [
  'logs:CreateLogStream',
  'logs:PutLogEvents',
  'xray:PutTelemetryRecords',
  'xray:PutTraceSegments',
];

/** Actions on `*`, each with the reason why there is nothing narrower. */
const everywhere: Record<string, string> = {
  'ecr:GetAuthorizationToken': 'a token for the whole registry of the account',
  'xray:PutTelemetryRecords': 'X-Ray has no resources to name',
  'xray:PutTraceSegments': 'X-Ray has no resources to name',
};

const idOf = (plane: Plane, type: string): string => ofType(plane, type)[0]?.id ?? `no ${type}`;
const tableArn = (plane: Plane, name: string): string => {
  const table = ofType(plane, 'AWS::DynamoDB::Table').find(({ Properties: { TableName: table_ } }) =>
    textOf(table_).endsWith(name),
  );
  return `\${${table?.id}.Arn}`;
};
const objects = (plane: Plane, prefixes: string[]): string[] =>
  sorted(prefixes.map((prefix) => `\${${idOf(plane, 'AWS::S3::Bucket')}.Arn}/${prefix}/*`));

/** The whole reach of an entry point, written down a second time, from the words of the design. */
function reach(plane: Plane, name: EntryPointName): Record<string, string[]> {
  const { consumes, writesTo } = entryPoints[name];
  const uses = new Set<string>(tasksOf(consumes).flatMap((task) => [...taskContract(task).uses]));
  const arn = ({ id }: { id: string }) => `\${${id}.Arn}`;
  const own = [arn(queueIn(plane, consumes))];
  const written = sorted(writesTo.flatMap((queue) => [arn(queueIn(plane, queue)), arn(deadLettersIn(plane, queue))]));
  const tables = sorted([tableArn(plane, 'workload_runs'), tableArn(plane, 'control')]);
  const indexes = ['open', 'by_queue', 'by_actor', 'by_tenant'].map(
    (one) => `${tableArn(plane, 'workload_runs')}/index/${one}`,
  );
  const kept = ['payloads', 'artifacts', ...(uses.has('status') ? ['status'] : [])];
  return {
    'sqs:ReceiveMessage': own,
    'sqs:DeleteMessage': own,
    'sqs:ChangeMessageVisibility': own,
    'sqs:SendMessage': written,
    'sqs:GetQueueAttributes': written,
    'dynamodb:GetItem': tables,
    ...(consumes === 'system' ? { 'dynamodb:BatchGetItem': [tableArn(plane, 'workload_runs')] } : {}),
    'dynamodb:PutItem': tables,
    'dynamodb:Query': sorted(indexes),
    's3:GetObject': objects(plane, uses.has('artefacts') ? [...kept, 'inbox'] : kept),
    's3:PutObject': objects(plane, kept),
    's3:ListBucket': [`\${${idOf(plane, 'AWS::S3::Bucket')}.Arn}`],
    'events:PutEvents': [`\${${idOf(plane, 'AWS::Events::EventBus')}.Arn}`],
    'elasticache:Connect': sorted([
      `\${${idOf(plane, 'AWS::ElastiCache::ServerlessCache')}.ARN}`,
      `\${${idOf(plane, 'AWS::ElastiCache::User')}.Arn}`,
    ]),
  };
}

/** The template's own statement list of a function's role, to plant violations in. */
function statementList(plane: Plane, name: EntryPointName): Record<string, unknown>[] {
  const policy = ofType(plane, 'AWS::IAM::Policy').find(
    (one) => textOf(one.Properties['Roles']) === `\${${roleOf(plane, name)}}`,
  );
  return at(policy?.Properties, 'PolicyDocument.Statement') as Record<string, unknown>[];
}

export const permissionLaws: Law[] = [
  {
    says: 'every function and executor has a role of its own',
    broken: (plane) => {
      const roles = [
        ...entryPointNames.map((name) => roleOf(plane, name)),
        ...families.map((family) => executionRoleOf(plane, family)),
      ];
      return new Set(roles).size === roles.length ? [] : [`roles are shared: ${roles.join()}`];
    },
    planted: (plane) =>
      (functionIn(plane, 'system').Properties['Role'] = functionIn(plane, 'ingestion').Properties['Role']),
  },
  {
    says: 'a role may do the calls that the catalogue lists for its entry point, and what Lambda itself does for it',
    broken: eachEntryPoint((plane, name) => {
      const actions = allowed(plane, name).flatMap((statement) => statement.actions);
      return differences(
        `actions of ${name}`,
        sorted(actions),
        sorted([...entryPoints[name].calls, ...(isFamily(name) ? [] : ofLambdaItself)]),
      );
    }),
    planted: (plane) =>
      statementList(plane, 'ingestion').push({ Effect: 'Allow', Action: 'dynamodb:Scan', Resource: 'x' }),
  },
  {
    says: 'each call is allowed on its own resources: own queue, tables, prefixes, bus, cache',
    broken: eachEntryPoint((plane, name) =>
      Object.entries(reach(plane, name)).flatMap(([action, expected]) =>
        differences(`${name}: ${action}`, resourcesOf(allowed(plane, name), action), expected),
      ),
    ),
    planted: (plane) => {
      const put = statementList(plane, 'ingestion').find(({ Action: action }) =>
        textOf(action).includes('s3:PutObject'),
      );
      const bucket = { 'Fn::GetAtt': [idOf(plane, 'AWS::S3::Bucket'), 'Arn'] };
      if (put) put['Resource'] = { 'Fn::Join': ['', [bucket, '/*']] };
    },
  },
  {
    says: 'no role is granted anything on every resource, but where AWS has none to name',
    broken: (plane) =>
      ofType(plane, 'AWS::IAM::Policy')
        .flatMap(({ Properties: { PolicyDocument: document } }) => statementsIn(document))
        .filter(({ resources }) => resources.includes('*'))
        .flatMap(({ actions }) => actions)
        .filter((action) => !(action in everywhere))
        .map((action) => `${action} is allowed on *`),
    planted: (plane) => statementList(plane, 'system').push({ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }),
  },
  {
    says: 'no role is granted actions by a pattern, or by a policy that AWS manages and may widen',
    broken: (plane) => [
      ...ofType(plane, 'AWS::IAM::Policy')
        .flatMap(({ Properties: { PolicyDocument: document } }) =>
          statementsIn(document).flatMap(({ actions }) => actions),
        )
        .filter((action) => action.includes('*')),
      ...ofType(plane, 'AWS::IAM::Role')
        .filter(({ Properties: properties }) => 'ManagedPolicyArns' in properties || 'Policies' in properties)
        .map(({ id }) => `${id} has policies beside AWS::IAM::Policy`),
    ],
    planted: (plane) => statementList(plane, 'system').push({ Effect: 'Allow', Action: 's3:*', Resource: 'x' }),
  },
  {
    says: 'the key of the tables serves functions and executors through DynamoDB only',
    broken: (plane) => {
      const [root, throughTables, ...others] = statementsIn(ofType(plane, 'AWS::KMS::Key')[0]?.Properties['KeyPolicy']);
      const roles = sorted(entryPointNames.map((name) => `\${${roleOf(plane, name)}.Arn}`));
      const via = at(throughTables?.condition, 'StringEquals') as Record<string, unknown> | undefined;
      return [
        ...differences('the administrator', root?.principals, ['arn:${AWS::Partition}:iam::${AWS::AccountId}:root']),
        ...differences('users of the key', throughTables?.principals, roles),
        ...differences('the way', textOf(via?.['kms:ViaService']), 'dynamodb.${AWS::Region}.amazonaws.com'),
        ...differences('further statements', others, []),
      ];
    },
    planted: (plane) => {
      const statements = at(ofType(plane, 'AWS::KMS::Key')[0]?.Properties, 'KeyPolicy.Statement') as {
        Condition?: unknown;
      }[];
      delete statements[1]?.Condition;
    },
  },
];

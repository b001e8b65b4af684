import { entryPoints, families, isFamily, type EntryPointName } from '#core/catalogue/entry-points.ts';
import type { QueueName } from '#core/catalogue/queues.ts';
import { scheduleKeys, scheduleRow } from '#core/catalogue/schedules.ts';
import { tasksOf, taskContract } from '#core/catalogue/tasks.ts';
import { differences, ofType, sorted, textOf, type Law, type Plane, type Properties, at } from '../plane.ts';
import { allowedTo, policiesIn, resourcesOf, statementsIn, type Statement } from '../policies.ts';
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

const idOf = (plane: Plane, type: string, isMeant: (properties: Properties) => boolean = () => true): string =>
  ofType(plane, type).find(({ Properties: properties }) => isMeant(properties))?.id ?? `no ${type}`;
/** The key of the tables; the other one signs. */
const dataKey = (plane: Plane) =>
  ofType(plane, 'AWS::KMS::Key').find(({ Properties: properties }) => !('KeySpec' in properties));
const tableArn = (plane: Plane, name: string): string => {
  const table = ofType(plane, 'AWS::DynamoDB::Table').find(({ Properties: { TableName: table_ } }) =>
    textOf(table_).endsWith(name),
  );
  return `\${${table?.id}.Arn}`;
};
const bucketIn = (plane: Plane, name: RegExp): string =>
  ofType(plane, 'AWS::S3::Bucket').find(({ id }) => name.test(id))?.id ?? 'no bucket';
const objects = (plane: Plane, prefixes: string[]): string[] =>
  prefixes.map((prefix) => `\${${bucketIn(plane, /^Artefacts/)}.Arn}/${prefix}/*`);

/** Who reads the audit, who its anchors, and who knows the WebSockets: by hand, as the design says. */
const has = {
  auditTable: ['system', 'gateway', 'halt'],
  anchors: ['system', 'gateway'],
  connections: ['sockets', 'relay', 'system'],
} as const;
const isOne = (names: readonly string[], name: string): boolean => names.includes(name);

/** The whole reach of an entry point, written down a second time, from the words of the design. */
const reach = (plane: Plane, name: EntryPointName): Record<string, string[]> => ({
  ...reachOfQueues(plane, name),
  ...reachOfData(plane, name),
  ...reachOfServices(plane),
});

function reachOfQueues(plane: Plane, name: EntryPointName): Record<string, string[]> {
  const { consumes, writesTo, watches = [] } = entryPoints[name];
  const arn = ({ id }: { id: string }) => `\${${id}.Arn}`;
  const both = (queues: readonly QueueName[]) =>
    queues.flatMap((queue) => [arn(queueIn(plane, queue)), arn(deadLettersIn(plane, queue))]);
  const letters = [...writesTo, ...watches].map((queue) => arn(deadLettersIn(plane, queue)));
  const received = consumes ? [arn(queueIn(plane, consumes))] : letters;
  return {
    'sqs:ReceiveMessage': received,
    'sqs:DeleteMessage': received,
    'sqs:ChangeMessageVisibility': received,
    'sqs:SendMessage': both(writesTo),
    'sqs:GetQueueAttributes': both([...writesTo, ...watches]),
  };
}

function reachOfData(plane: Plane, name: EntryPointName): Record<string, string[]> {
  const { consumes } = entryPoints[name];
  const uses = new Set<string>(
    consumes ? tasksOf(consumes).flatMap((task) => [...taskContract(task).uses]) : ['artefacts'],
  );
  const [runs, control, audit] = ['workload_runs', 'control', 'audit_events'].map((table) =>
    tableArn(plane, table),
  ) as [string, string, string];
  const connections = isOne(has.connections, name) ? [tableArn(plane, 'connections')] : [];
  const tables = [runs, control, audit, ...connections];
  const indexes = ['open', 'by_queue', 'by_actor', 'by_tenant'].map((one) => `${runs}/index/${one}`);
  const auditIndexes = [audit, ...['by_hour', 'by_subject', 'by_tenant'].map((one) => `${audit}/index/${one}`)];
  const kept = ['payloads', 'artifacts', ...(uses.has('status') ? ['status'] : [])];
  const [store, anchors] = [bucketIn(plane, /^Artefacts/), bucketIn(plane, /^AuditAnchors/)];
  const keepsAnchors = isOne(has.anchors, name);
  const anchorObjects = keepsAnchors ? [`\${${anchors}.Arn}/anchors/*`] : [];
  return {
    'dynamodb:GetItem': tables,
    'dynamodb:BatchGetItem': [runs],
    'dynamodb:PutItem': tables,
    'dynamodb:DeleteItem': connections,
    'dynamodb:Query': [
      ...indexes,
      ...(name === 'system' ? [`${tableArn(plane, 'connections')}/index/by_expiry`] : []),
      ...(isOne(has.auditTable, name) ? auditIndexes : []),
    ],
    's3:GetObject': [...objects(plane, uses.has('artefacts') ? [...kept, 'inbox'] : kept), ...anchorObjects],
    's3:PutObject': [...objects(plane, kept), ...(name === 'system' ? anchorObjects : [])],
    's3:ListBucket': [store, ...(keepsAnchors ? [anchors] : [])].map((id) => `\${${id}.Arn}`),
  };
}

function reachOfServices(plane: Plane): Record<string, string[]> {
  const signing = ofType(plane, 'AWS::KMS::Key').find(({ Properties: { KeySpec } }) => KeySpec === 'ECC_NIST_P256');
  const { cell } = plane.stage;
  const sockets = idOf(plane, 'AWS::ApiGatewayV2::Api', ({ ProtocolType }) => ProtocolType === 'WEBSOCKET');
  return {
    'events:PutEvents': [`\${${idOf(plane, 'AWS::Events::EventBus')}.Arn}`],
    'elasticache:Connect': [
      `\${${idOf(plane, 'AWS::ElastiCache::ServerlessCache')}.ARN}`,
      `\${${idOf(plane, 'AWS::ElastiCache::User')}.Arn}`,
    ],
    'scheduler:GetSchedule': scheduleKeys.map(
      (key) =>
        `arn:\${AWS::Partition}:scheduler:\${AWS::Region}:\${AWS::AccountId}:schedule/alphaswarm-${cell}-${scheduleRow(key).cadence}/${key}`,
    ),
    'sts:AssumeRole': [`arn:\${AWS::Partition}:iam::\${AWS::AccountId}:role/alphaswarm-${cell}-links`],
    'kms:Sign': [`\${${signing?.id}.Arn}`],
    'kms:GetPublicKey': [`\${${signing?.id}.Arn}`],
    'secretsmanager:GetSecretValue': [
      `arn:\${AWS::Partition}:secretsmanager:\${AWS::Region}:\${AWS::AccountId}:secret:alphaswarm/${cell}/*`,
    ],
    'execute-api:ManageConnections': [
      `arn:\${AWS::Partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${${sockets}}/${cell}/*/@connections/*`,
    ],
  };
}

/** The template's own statement list of a function's role, to plant violations in. */
function statementList(plane: Plane, name: EntryPointName): Record<string, unknown>[] {
  const policy = policiesIn(plane).find((one) => textOf(one.Properties['Roles']) === `\${${roleOf(plane, name)}}`);
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
    says: 'each call is allowed on its own resources: own queue, tables, prefixes, bus, cache, schedules, key, sockets',
    broken: eachEntryPoint((plane, name) =>
      Object.entries(reach(plane, name))
        .filter(([action]) => entryPoints[name].calls.some((call) => call === action))
        .flatMap(([action, expected]) =>
          differences(`${name}: ${action}`, resourcesOf(allowed(plane, name), action), sorted(new Set(expected))),
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
    says: 'nobody may change or remove a row of the audit, or an anchor of it',
    broken: (plane) => {
      const trail = [tableArn(plane, 'audit_events'), `\${${bucketIn(plane, /^AuditAnchors/)}.Arn}`];
      const changing =
        /^(?:dynamodb:(?:Update|Delete|BatchWrite|PartiQL)|s3:(?:Delete|PutObjectRetention|BypassGovernance))/;
      return policiesIn(plane).flatMap(({ id, Properties: { PolicyDocument: document } }) =>
        statementsIn(document)
          .filter(({ resources }) => resources.some((one) => trail.some((of) => one.startsWith(of))))
          .flatMap(({ actions }) => actions.filter((action) => changing.test(action)))
          .map((action) => `${id} allows ${action} on the audit`),
      );
    },
    planted: (plane) => {
      const table = ofType(plane, 'AWS::DynamoDB::Table').find(({ id }) => id.startsWith('Audit'));
      const resource = { 'Fn::GetAtt': [table?.id, 'Arn'] };
      statementList(plane, 'gateway').push({ Effect: 'Allow', Action: 'dynamodb:DeleteItem', Resource: resource });
    },
  },
  {
    says: 'no role is granted anything on every resource, but where AWS has none to name',
    broken: (plane) =>
      policiesIn(plane)
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
      ...policiesIn(plane)
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
      const [root, throughTables, ...others] = statementsIn(dataKey(plane)?.Properties['KeyPolicy']);
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
      const statements = at(dataKey(plane)?.Properties, 'KeyPolicy.Statement') as {
        Condition?: unknown;
      }[];
      delete statements[1]?.Condition;
    },
  },
];

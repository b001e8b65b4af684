import { entryPoints, environmentNames, type EntryPointName } from '#core/catalogue/entry-points.ts';
import { queueRow } from '#core/catalogue/queues.ts';
import { at, differences, named, ofType, sorted, textOf, type Law, type Plane } from '../plane.ts';
import { deadLettersIn, queueIn } from './queues.ts';

export const entryPointNames = Object.keys(entryPoints) as EntryPointName[];
export const functionIn = (plane: Plane, name: EntryPointName) =>
  named(plane, 'AWS::Lambda::Function', `alphaswarm-${plane.stage.cell}-${name}`);
const variablesOf = (plane: Plane, name: EntryPointName) =>
  at(functionIn(plane, name).Properties, 'Environment.Variables') as Record<string, unknown>;
const mappingOf = (plane: Plane, name: EntryPointName) =>
  ofType(plane, 'AWS::Lambda::EventSourceMapping').find(
    (one) => textOf(one.Properties['FunctionName']) === `\${${functionIn(plane, name).id}}`,
  )?.Properties;

const eachFunction = (check: (plane: Plane, name: EntryPointName) => string[]) => (plane: Plane) =>
  entryPointNames.flatMap((name) => check(plane, name));

/** Names and values that a secret would have; secrets are read at run time, by version, never laid into a template. */
const secretName = /secret|password|passwd|token|credential|private|api_?key/i;
const secretValue = /\{\{resolve:|-----BEGIN|AKIA[A-Z0-9]{12}|eyJ[A-Za-z0-9_-]{10}/;

export const functionLaws: Law[] = [
  {
    says: 'there is one function for each entry point, on Node 24 and arm64, as large and as long as its queue says',
    broken: (plane) => [
      ...differences('the number of functions', ofType(plane, 'AWS::Lambda::Function').length, entryPointNames.length),
      ...eachFunction((one, name) => {
        const { compute, timeout } = queueRow(entryPoints[name].consumes);
        const { Runtime, Architectures, MemorySize, Timeout, Handler } = functionIn(one, name).Properties;
        const memoryMb = compute.kind === 'lambda' ? compute.memoryMb : 'none: it runs on containers';
        const expected = ['nodejs24.x', ['arm64'], memoryMb, timeout, 'index.handler'];
        return differences(name, [Runtime, Architectures, MemorySize, Timeout, Handler], expected);
      })(plane),
    ],
    planted: (plane) => (functionIn(plane, 'ingestion').Properties['Timeout'] = 900),
  },
  {
    says: 'no function reserves concurrency: a new account may own ten in all',
    broken: eachFunction((plane, name) =>
      differences(
        `reservation of ${name}`,
        functionIn(plane, name).Properties['ReservedConcurrentExecutions'],
        undefined,
      ),
    ),
    planted: (plane) => (functionIn(plane, 'system').Properties['ReservedConcurrentExecutions'] = 2),
  },
  {
    says: 'functions of standard queues, whose runs hand over to further runs, are spared loop detection; FIFO ones are not',
    broken: eachFunction((plane, name) => {
      const { kind } = queueRow(entryPoints[name].consumes);
      const loop = functionIn(plane, name).Properties['RecursiveLoop'];
      return differences(`loop detection of ${name}`, loop, kind === 'standard' ? 'Allow' : 'Terminate');
    }),
    planted: (plane) => delete functionIn(plane, 'ingestion').Properties['RecursiveLoop'],
  },
  {
    says: 'every function is traced',
    broken: eachFunction((plane, name) =>
      differences(`tracing of ${name}`, at(functionIn(plane, name).Properties, 'TracingConfig.Mode'), 'Active'),
    ),
    planted: (plane) => delete functionIn(plane, 'ingestion').Properties['TracingConfig'],
  },
  {
    says: 'every function has exactly the variables that the catalogue lists for it',
    broken: eachFunction((plane, name) =>
      differences(`variables of ${name}`, Object.keys(variablesOf(plane, name)), environmentNames(name)),
    ),
    planted: (plane) => delete variablesOf(plane, 'ingestion')['DLQ_URL_INGESTION'],
  },
  {
    says: 'the URLs in the environment are those of the queues whose names they carry',
    broken: eachFunction((plane, name) =>
      entryPoints[name].writesTo.flatMap((queue) => {
        const { [`QUEUE_URL_${queue.toUpperCase()}`]: url, [`DLQ_URL_${queue.toUpperCase()}`]: letters } = variablesOf(
          plane,
          name,
        );
        return [
          ...differences(`${name}: queue ${queue}`, textOf(url), `\${${queueIn(plane, queue).id}}`),
          ...differences(`${name}: dead letters of ${queue}`, textOf(letters), `\${${deadLettersIn(plane, queue).id}}`),
        ];
      }),
    ),
    planted: (plane) => {
      const variables = variablesOf(plane, 'system');
      variables['QUEUE_URL_SYSTEM'] = variables['QUEUE_URL_INGESTION'];
    },
  },
  {
    says: 'no variable holds a secret, or looks as if it did',
    broken: eachFunction((plane, name) =>
      Object.entries(variablesOf(plane, name))
        .filter(([key, value]) => secretName.test(key) || secretValue.test(textOf(value)))
        .map(([key]) => `${name} has the variable ${key}`),
    ),
    planted: (plane) => (variablesOf(plane, 'system')['LOG_LEVEL'] = '{{resolve:secretsmanager:plane}}'),
  },
  {
    says: 'every function is fed by its queue, with partial failures and the batch and concurrency of its row',
    broken: (plane) => [
      ...differences(
        'the number of mappings',
        ofType(plane, 'AWS::Lambda::EventSourceMapping').length,
        entryPointNames.length,
      ),
      ...eachFunction((one, name) => {
        const { consumes } = entryPoints[name];
        const { batch, concurrency } = queueRow(consumes);
        const mapping = mappingOf(one, name) ?? {};
        const read = [
          'EventSourceArn',
          'BatchSize',
          'MaximumBatchingWindowInSeconds',
          'FunctionResponseTypes',
          'ScalingConfig',
        ];
        const source = { 'Fn::GetAtt': [queueIn(one, consumes).id, 'Arn'] };
        const scaling = { MaximumConcurrency: Math.max(2, concurrency.maximum) };
        const expected = [source, batch.size, batch.window, ['ReportBatchItemFailures'], scaling];
        return differences(
          `mapping of ${name}`,
          read.map((key) => mapping[key]),
          expected,
        );
      })(plane),
    ],
    planted: (plane) => delete mappingOf(plane, 'system')?.['FunctionResponseTypes'],
  },
  {
    says: 'no mapping has a maximum concurrency below 2, which SQS would refuse',
    broken: (plane) =>
      ofType(plane, 'AWS::Lambda::EventSourceMapping').flatMap(({ id, Properties: properties }) =>
        Number(at(properties, 'ScalingConfig.MaximumConcurrency')) >= 2 ? [] : [`${id} is below 2`],
      ),
    planted: (plane) => {
      const mapping = mappingOf(plane, 'system');
      if (mapping) mapping['ScalingConfig'] = { MaximumConcurrency: 1 };
    },
  },
  {
    says: 'every function logs to a group of its own, which forgets',
    broken: (plane) => {
      const expected = entryPointNames.map(
        (name) => `/aws/lambda/alphaswarm-${plane.stage.cell}-${name} ${plane.stage.logRetention}`,
      );
      const found = ofType(plane, 'AWS::Logs::LogGroup').map(
        ({ Properties: { LogGroupName: name, RetentionInDays: days } }) => `${textOf(name)} ${textOf(days)}`,
      );
      return [
        ...differences('the list of log groups', sorted(found), sorted(expected)),
        ...eachFunction((one, name) => {
          const { id } = named(one, 'AWS::Logs::LogGroup', `/aws/lambda/alphaswarm-${one.stage.cell}-${name}`);
          return differences(
            `log group of ${name}`,
            textOf(at(functionIn(one, name).Properties, 'LoggingConfig.LogGroup')),
            `\${${id}}`,
          );
        })(plane),
      ];
    },
    planted: (plane) => delete ofType(plane, 'AWS::Logs::LogGroup')[0]?.Properties['RetentionInDays'],
  },
];

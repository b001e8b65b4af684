import {
  consumerNames,
  entryPoints,
  families,
  functionNames,
  type ConsumerName,
} from '#core/catalogue/entry-points.ts';
import { queueRow, type QueueName } from '#core/catalogue/queues.ts';
import { at, differences, named, ofType, sorted, textOf, type Law, type Plane } from '../plane.ts';
import { eachFunction, functionIn } from '../workers.ts';
import { queueIn } from './queues.ts';

/** Written down a second time: memory in MB, time-out in s. */
const doorSizes: Record<string, [number, number]> = {
  gateway: [1024, 29],
  halt: [512, 15],
  mcp: [1024, 29],
  sockets: [512, 10],
};

function sizeOf(name: string, consumes: QueueName | undefined): unknown[] {
  if (consumes === undefined) return doorSizes[name] ?? [];
  const { compute, timeout } = queueRow(consumes);
  return [compute.kind === 'lambda' ? compute.memoryMb : 'none: it runs on containers', timeout];
}

const mappingOf = (plane: Plane, name: ConsumerName) =>
  ofType(plane, 'AWS::Lambda::EventSourceMapping').find(
    (one) => textOf(one.Properties['FunctionName']) === `\${${functionIn(plane, name).id}}`,
  )?.Properties;

export const functionLaws: Law[] = [
  {
    says: 'there is one function for each light queue, the dispatcher and each door, on Node 24 and arm64, as large and as long as its row says',
    broken: (plane) => [
      ...differences('the number of functions', ofType(plane, 'AWS::Lambda::Function').length, functionNames.length),
      ...eachFunction((one, name) => {
        const { Runtime, Architectures, MemorySize, Timeout, Handler } = functionIn(one, name).Properties;
        const expected = ['nodejs24.x', ['arm64'], ...sizeOf(name, entryPoints[name].consumes), 'index.handler'];
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
      const { consumes } = entryPoints[name];
      const kind = consumes && queueRow(consumes).kind;
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
    says: 'every consumer is fed by its queue, with partial failures and the batch and concurrency of its row',
    broken: (plane) => [
      ...differences(
        'the number of mappings',
        ofType(plane, 'AWS::Lambda::EventSourceMapping').length,
        consumerNames.length,
      ),
      ...consumerNames.flatMap((name) => {
        const one = plane;
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
      }),
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
      const names = [...functionNames.map((name) => ['lambda', name]), ...families.map((family) => ['ecs', family])];
      const expected = names.map(
        ([service, name]) => `/aws/${service}/alphaswarm-${plane.stage.cell}-${name} ${plane.stage.logRetention}`,
      );
      expected.push(`/aws/apigateway/alphaswarm-${plane.stage.cell}-gateway-access ${plane.stage.logRetention}`);
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

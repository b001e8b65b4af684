import type { Command } from 'commander';
import { acting } from '../action.ts';
import { dataFolder, globalsOf, wholeNumber } from '../globals.ts';

/** Names of options, and what listens there. */
const ports = {
  'sqs-port': 'SQS and S3',
  'dynamodb-port': 'DynamoDB',
  'redis-port': 'Valkey',
  'aws-port': 'the rest of AWS',
  'gateway-port': 'the HTTP API',
  'sockets-port': 'the WebSocket API',
  'identity-port': 'the first issuer of tokens; the second takes the next',
} as const;

interface UpOptions {
  readonly assembly?: string;
  readonly sqsPort?: number;
  readonly dynamodbPort?: number;
  readonly redisPort?: number;
  readonly awsPort?: number;
  readonly gatewayPort?: number;
  readonly socketsPort?: number;
  readonly identityPort?: number;
}

export function addUp(program: Command): void {
  const up = program
    .command('up')
    .summary('keeps the local plane running until Ctrl-C')
    .description(
      'Keeps the local plane running until Ctrl-C: gateway, queues, tables, functions, schedules, all on loopback.',
    )
    .option('--assembly <folder>', 'run this synthesised assembly instead of synthesising the project');
  for (const [name, what] of Object.entries(ports))
    up.option(`--${name} <n>`, `port of ${what} (default: any free one)`, wholeNumber(0, 65_535));
  up.action(
    acting(async (_, command) => {
      const { assembly, ...given } = command.opts<UpOptions>();
      const globals = globalsOf(command);
      const { up: run } = await import('../../up/up.ts');
      await run({
        assembly,
        dataDir: dataFolder(globals),
        json: globals.json,
        ports: {
          sqs: given.sqsPort ?? 0,
          dynamodb: given.dynamodbPort ?? 0,
          redis: given.redisPort ?? 0,
          aws: given.awsPort ?? 0,
          gateway: given.gatewayPort ?? 0,
          sockets: given.socketsPort ?? 0,
          identity: given.identityPort ?? 0,
        },
      });
    }),
  );
}

export const addDown = (program: Command): Command =>
  program
    .command('down')
    .summary('ends the local plane')
    .description('Ends the plane that runs in the data folder, wherever it was started, and waits until it is gone.')
    .action(
      acting(async ({ out }, command) => {
        const { down } = await import('../../up/down.ts');
        const dataDir = dataFolder(globalsOf(command));
        const { did, pid } = await down(dataDir);
        const said =
          did === 'ended' ? `The plane that ran as process ${pid} has ended.` : `No plane runs in ${dataDir}.`;
        out.answer({ did, ...(pid === undefined ? {} : { pid }) }, said);
      }),
    );

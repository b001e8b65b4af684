// A fault plane with a series in its inbox, and eyes on its executors: what they did, said and left.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Message } from '@aws-sdk/client-sqs';
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, onTestFinished } from 'vitest';
import { defaultCsv, readCsv } from '#bin/demo/csv-file.ts';
import type { PayloadInputOf } from '#core/catalogue/tasks.ts';
import { readFamily, type FamilyRecord } from '#core/family.ts';
import { isTerminal, type Run } from '#core/run.ts';
import type { Operator } from '#local/operator.ts';
import type { PlaneOptions } from '#local/plane.ts';
import { runtimeControl } from '#runtime/control.ts';
import { temporaryFolder } from '#test/local/fixtures/assembly.ts';
import { until } from '#test/local/fixtures/plane.ts';
import { faultPlane, type FaultPlane } from './plane.ts';

export type Payload = PayloadInputOf<'backtest.run'>;
export interface Letter {
  readonly run: string;
  readonly code: string;
  readonly reason: string;
}
export interface ExecutorsPlane extends FaultPlane {
  /** Asks for a backtest on the series in the inbox. */
  ask(over?: Partial<Payload>): Promise<Run>;
  /** The row, once it is terminal and all of its outbox is sent. */
  settled(id: string): Promise<Run>;
  rowWhen(id: string, holds: (run: Run) => boolean): Promise<Run>;
  /** All dead letters of backtests. */
  letters(): Promise<Letter[]>;
  family(): Promise<FamilyRecord>;
  /** Log lines of all executors with this constant message, parsed. */
  said(message: string): Record<string, unknown>[];
  /** Executors that have not stopped. */
  living(): string[];
  /** Names of the lifecycle events of a run, in order, without those of its starts. */
  eventsOf(id: string): string[];
}

const patienceMs = 120_000;

export async function executorsPlane(options: Partial<PlaneOptions> = {}): Promise<ExecutorsPlane> {
  const running = await faultPlane(options);
  await running.operator.upload('sp500.csv', readCsv(defaultCsv()).bytes, 'text/csv');
  const control = controlOf(running);
  const rowWhen = async (id: string, holds: (run: Run) => boolean): Promise<Run> => {
    let found: Run | undefined;
    const look = async () => holds((found = await running.operator.run(id)) as Run);
    await until(`run ${id}`, look, patienceMs);
    return found as Run;
  };
  const deadLetters = running.resources.queues.find(({ name }) => name.endsWith('-backtest-dlq'))?.logicalId ?? '';
  return {
    ...running,
    rowWhen,
    settled: (id) => rowWhen(id, ({ state, outbox }) => isTerminal(state) && outbox.length === 0),
    ask: (over = {}) => {
      const strategy = { name: 'sma-cross', params: { fast: 10, slow: 20 } };
      const payload = { data: { path: 'sp500.csv' }, strategy, resamples: 200, ...over };
      return running.operator.request({ task: 'backtest.run', payload });
    },
    letters: () => takeLetters(running, deadLetters),
    family: () => readFamily({ control }, 'backtest'),
    said: (message) =>
      running.told('task-log').flatMap(({ line }) => {
        if (!line.includes(`"${message}"`)) return [];
        const parsed = JSON.parse(line) as Record<string, unknown>;
        return parsed['message'] === message ? [parsed] : [];
      }),
    living: () => running.tasks.list().flatMap(({ arn, lastStatus }) => (lastStatus === 'STOPPED' ? [] : arn)),
    eventsOf: (id) =>
      running
        .events()
        .filter(({ detail }) => (detail as { run?: string }).run === id)
        .flatMap(({ detailType }) => (detailType === 'RunStarted' ? [] : detailType)),
  };
}

function controlOf(running: FaultPlane) {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new DynamoDBClient({ region: 'us-east-1', credentials, endpoint: running.endpoints.dynamodb });
  onTestFinished(() => client.destroy());
  const table = running.resources.tables.find(({ name }) => name.endsWith('control'))?.name ?? '';
  return runtimeControl(DynamoDBDocumentClient.from(client), table);
}

/** What is taken stays hidden: each letter is seen once. */
async function takeLetters(running: FaultPlane, queue: string): Promise<Letter[]> {
  const messages = await running.receive(queue);
  if (messages.length === 0) return [];
  return [...messages.map(letterOf), ...(await takeLetters(running, queue))];
}

function letterOf({ Body = '', MessageAttributes: of = {} }: Message): Letter {
  const { run } = JSON.parse(Body) as { run: string };
  return { run, code: of['code']?.StringValue ?? '', reason: of['reason']?.StringValue ?? '' };
}

interface Manifest {
  readonly artefacts: readonly { name: string; key: string; bytes: number; sha256: string }[];
}

/** All that the run's manifest names is there, whole, and was written by the claim that won. */
export async function expectWholeBacktest(operator: Operator, run: Run): Promise<void> {
  const prefix = `artifacts/local/backtest.run/${run.id}/${run.fence}/`;
  const { manifestKey } = (await operator.resultOf(run)) as { manifestKey: string };
  expect(manifestKey).toBe(`${prefix}manifest.json`);
  const { artefacts } = JSON.parse(new TextDecoder().decode(await operator.download(manifestKey))) as Manifest;
  expect(artefacts).toHaveLength(5);
  for (const { name, key, bytes, sha256 } of artefacts) {
    expect(key).toBe(prefix + name);
    const stored = await operator.download(key);
    expect(stored).toHaveLength(bytes);
    expect(createHash('sha256').update(stored).digest('hex')).toBe(sha256);
  }
}

interface Template {
  Resources: Record<
    string,
    { Type: string; Properties: { ContainerDefinitions?: { Environment: { Name: string }[] }[] } }
  >;
}

/** A copy of the synthesised project whose executors lack a variable, or have another program in their image. */
export function brokenAssembly({ without, program }: { without?: string; program?: string }): string {
  const dir = join(temporaryFolder(), 'cdk.out');
  cpSync(inject('assemblyDir'), dir, { recursive: true });
  const file = join(dir, 'AlphaSwarm-dev.template.json');
  const template = JSON.parse(readFileSync(file, 'utf8')) as Template;
  for (const { Properties } of Object.values(template.Resources))
    for (const container of Properties?.ContainerDefinitions ?? [])
      container.Environment = container.Environment.filter(({ Name }) => Name !== without);
  writeFileSync(file, JSON.stringify(template));
  const assets = JSON.parse(readFileSync(join(dir, 'AlphaSwarm-dev.assets.json'), 'utf8')) as {
    dockerImages: Record<string, { source: { directory: string } }>;
  };
  if (program !== undefined)
    for (const { source } of Object.values(assets.dockerImages))
      writeFileSync(join(dir, source.directory, 'backtest', 'index.mjs'), program);
  return dir;
}

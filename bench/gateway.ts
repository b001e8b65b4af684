/**
 * `POST /runs` to the durable row and message, beside the bare handler without our layers: `npm run bench:gateway`.
 * docs/benchmarks.md says what each figure means. One JSON line a figure on stdout, words on stderr.
 *
 *   --quick     few requests, two repetitions: to see that it works
 */
import { SQSClient, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fakeCredentials } from '#local/aws-clients.ts';
import { localToken } from '#local/identity/token.ts';
import { ask, type Asked } from './gateway/clients.ts';
import { bundleBytes, coldStart } from './gateway/cold.ts';
import { countRequests, cpuMsOf } from './gateway/counts.ts';
import { startStage, type Stage } from './gateway/stage.ts';
import { figureOf, percentile, sentenceOf } from './plane/figures.ts';
import { load, machine } from './plane/machine.ts';

const bench = 'gateway';
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const full = { each: 60, single: 120, counted: 100, warmUp: 40, coldStarts: 15, repetitions: 5 };
const quick = { each: 10, single: 20, counted: 20, warmUp: 10, coldStarts: 3, repetitions: 2 };
/** As many as a function has environments of at once, on the local plane as in a fresh account. */
const clients = 8;
const people = 40;
const pull = { connector: 'csv', dataset: 'bench', source: { key: 'none.csv' } };

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const tell = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

type Which = 'gateway' | 'bare' | 'empty';
const places: Readonly<Record<Which, string>> = { gateway: '/runs', bare: '/bare', empty: '/bare/empty' };
const functions: Readonly<Record<Which, string>> = {
  gateway: 'alphaswarm-dev-gateway',
  bare: 'bare',
  empty: 'bare',
};

type Samples = Map<string, { unit: string; values: number[] }>;
interface Bench {
  readonly stage: Stage;
  readonly tokens: readonly string[];
  readonly bodies: Readonly<Record<Which, string>>;
  readonly sizes: typeof full;
  readonly note: (figure: string, unit: string, value: number) => void;
  /** Every id that was answered by what writes. */
  readonly ids: string[];
}

async function asked(
  { stage, tokens, bodies, ids }: Bench,
  which: Which,
  [at, each]: [number, number],
): Promise<Asked> {
  const url = `${stage.plane.endpoints.gateway}${places[which]}`;
  const answers = await ask({ url, clients: at, tokens, each, body: bodies[which] });
  if (which !== 'empty') ids.push(...answers.ids);
  return answers;
}

const cpuOf = ({ plane }: Stage, which: Which): number =>
  cpuMsOf(plane.lambdas.environments().flatMap((one) => (one.function === functions[which] ? [one.pid] : [])));

async function together(run: Bench, which: Which): Promise<void> {
  const { note, sizes, stage } = run;
  const before = cpuOf(stage, which);
  const { seconds, samples } = await asked(run, which, [clients, sizes.each]);
  const cpuMs = cpuOf(stage, which) - before;
  note(`${which}: ${clients} clients`, 'requests/s', samples.length / seconds);
  note(`${which}: ${clients} clients, p50`, 'ms', percentile(samples, 50));
  note(`${which}: ${clients} clients, p99`, 'ms', percentile(samples, 99));
  if (Number.isFinite(cpuMs)) note(`${which}: processor`, 'ms/request', cpuMs / samples.length);
}

async function alone(run: Bench, which: Which): Promise<void> {
  const { samples } = await asked(run, which, [1, run.sizes.single]);
  run.note(`${which}: one client, p50`, 'ms', percentile(samples, 50));
  run.note(`${which}: one client, p99`, 'ms', percentile(samples, 99));
}

async function traffic(run: Bench): Promise<void> {
  const { counted } = run.sizes;
  for (const which of ['gateway', 'bare'] as const) {
    const counts = await countRequests(run.stage.plane.endpoints.redis, () => asked(run, which, [1, counted]));
    const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
    run.note(`${which}: round trips`, '/request', all / counted);
    for (const [name, count] of Object.entries(counts)) run.note(`${which}:   ${name}`, '/request', count / counted);
  }
}

/** In turns, so that what else the machine does meets all of them. */
async function repeat(run: Bench): Promise<void> {
  const all: Which[] = ['gateway', 'bare', 'empty'];
  for (const which of all) await asked(run, which, [clients, run.sizes.warmUp]);
  for (let repetition = 1; repetition <= run.sizes.repetitions; repetition += 1) {
    const beganMs = performance.now();
    for (const which of all) {
      await together(run, which);
      await alone(run, which);
    }
    await traffic(run);
    const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
    say(`repetition ${repetition} of ${run.sizes.repetitions}: ${seconds} s, load ${load()}`);
  }
}

async function coldStarts({ stage, sizes, note }: Bench): Promise<void> {
  const { deployed, cold } = bundleBytes(stage.gatewayCode, stage.gatewayMeta);
  note('bundle: deployed', 'bytes', deployed);
  note('bundle: read at a cold start', 'bytes', cold);
  const variables = stage.plane.environment(functions.gateway);
  for (let start = 0; start < sizes.coldStarts; start += 1) {
    const { bootMs, readyMs } = await coldStart(stage.gatewayCode, variables);
    note('init: from the start of the process', 'ms', readyMs);
    note('init: of it the bundle', 'ms', readyMs - bootMs);
  }
}

/** Each answer has a row, and each row of a run its message: else the figures are of something else. */
async function checkDurable({ stage, ids }: Bench, documents: DynamoDBDocumentClient): Promise<void> {
  const found = new Set((await rowsOf(stage, documents)).map(({ id }) => String(id)));
  const lost = ids.filter((id) => !found.has(id));
  const waiting = stage.plane.queueDepths()[queueOf(stage).name]?.visible ?? 0;
  if (lost.length > 0 || waiting !== ids.length || found.size !== ids.length) {
    throw new Error(`${ids.length} answers, ${found.size} rows (${lost.length} missing), ${waiting} messages: void`);
  }
  say(`${ids.length} answers, as many rows and messages`);
}

const queueOf = ({ plane }: Stage) => plane.resources.queues.find(({ name }) => name.endsWith('-ingestion'))!;

async function rowsOf({ plane }: Stage, documents: DynamoDBDocumentClient): Promise<Record<string, unknown>[]> {
  const TableName = plane.resources.tables.find(({ name }) => name.endsWith('workload_runs'))?.name;
  const rows: Record<string, unknown>[] = [];
  let from: Record<string, unknown> | undefined;
  do {
    const page = await documents.send(new ScanCommand({ TableName, ...(from && { ExclusiveStartKey: from }) }));
    rows.push(...(page.Items ?? []));
    from = page.LastEvaluatedKey;
  } while (from);
  return rows;
}

/** A row and a message as the gateway makes them, for the bare handler to write as much. */
async function sampleOf(stage: Stage, documents: DynamoDBDocumentClient, sqs: SQSClient) {
  const [row] = await rowsOf(stage, documents);
  const look = { QueueUrl: queueOf(stage).url, VisibilityTimeout: 0, MaxNumberOfMessages: 1 };
  const { Messages: [message] = [] } = await sqs.send(new ReceiveMessageCommand(look));
  if (!row || !message?.Body) throw new Error('the gateway has written no row and message to measure beside');
  return { row, message: message.Body };
}

/** Ours over the bare one, repetition by repetition: the machine was the same for both. */
function noteRatios(samples: Samples): void {
  const values = (which: Which, what: string) => samples.get(`${which}: ${what}`)?.values ?? [];
  const ratio = (what: string): number[] => {
    const bare = values('bare', what);
    return values('gateway', what).map((value, at) => value / (bare[at] ?? Number.NaN));
  };
  samples.set('ratio: requests a second', { unit: 'x', values: ratio(`${clients} clients`) });
  samples.set('ratio: one client, p50', { unit: 'x', values: ratio('one client, p50') });
  samples.set('ratio: one client, p99', { unit: 'x', values: ratio('one client, p99') });
}

function report(samples: Samples, where: ReturnType<typeof machine>): void {
  const loadAfter = load();
  tell({ bench, figure: 'machine', value: where.cores, unit: 'cores', ...where, loadAfter });
  say(`\n${where.cores} cores, ${where.processor}, Node ${where.versions['node']}, ${where.atUtc} UTC`);
  say(`load before ${where.loadBefore}, after ${loadAfter}; median (smallest to largest repetition)\n`);
  for (const [name, { unit, values }] of samples) {
    const figure = figureOf(bench, [name, unit], values);
    tell(figure);
    say(sentenceOf(figure));
  }
}

async function open(stage: Stage, sizes: typeof full, note: Bench['note']): Promise<[Bench, DynamoDBDocumentClient]> {
  const { endpoints } = stage.plane;
  const settings = { region: 'us-east-1', credentials: fakeCredentials() };
  const documents = DynamoDBDocumentClient.from(new DynamoDBClient({ ...settings, endpoint: endpoints.dynamodb }));
  const sqs = new SQSClient({ ...settings, endpoint: endpoints.sqs, useQueueUrlAsEndpoint: false });
  const issuer = endpoints.issuers[0] ?? '';
  const tokens: string[] = [];
  for (let person = 0; person < people; person += 1) {
    tokens.push(await localToken({ issuer, role: 'researcher', user: `person-${person}` }));
  }
  const bodies = { gateway: JSON.stringify({ task: 'ingest.pull', payload: pull }), bare: '{}', empty: '{}' };
  const first = { stage, tokens, bodies, sizes, note, ids: [] };
  await asked(first, 'gateway', [1, 1]);
  const bare = JSON.stringify(await sampleOf(stage, documents, sqs));
  return [{ ...first, bodies: { ...bodies, bare } }, documents];
}

async function main(): Promise<void> {
  const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
  const where = machine();
  const samples: Samples = new Map();
  const note: Bench['note'] = (figure, unit, value) => {
    const row = samples.get(figure) ?? { unit, values: [] };
    row.values.push(value);
    samples.set(figure, row);
  };
  const stage = await startStage(root);
  try {
    const [run, documents] = await open(stage, options.quick ? quick : full, note);
    await repeat(run);
    await checkDurable(run, documents);
    await coldStarts(run);
    noteRatios(samples);
    report(samples, where);
  } finally {
    await stage.stop();
  }
}

await main();

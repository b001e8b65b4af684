// What the compiler and the constructs refuse; nothing here is synthesised.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { App, Stack } from 'aws-cdk-lib';
import type { CommonVariable, EnvironmentOf } from '#core/catalogue/entry-environment.ts';
import { queueNames, queueRow, type QueueName } from '#core/catalogue/queues.ts';
import { bundle } from '#lib/bundle.ts';
import { TaskQueue, visibilityOf } from '#lib/constructs/task-queue.ts';
import { environmentOf } from '#lib/environment.ts';
import { root } from './plane.ts';

const common: Record<CommonVariable, string> = {
  STAGE: 's',
  CELL: 'c',
  LEDGER_TABLE: 'l',
  LEDGER_SHARDS: '1',
  CONTROL_TABLE: 'c',
  AUDIT_TABLE: 'a',
  BUCKET: 'b',
  EVENT_BUS: 'e',
  STATE_REDIS: 'h:1',
  CACHE_REDIS: 'h:1',
  REDIS_NAME: 'r',
  REDIS_USER: 'u',
  LOG_LEVEL: 'INFO',
};

const scratch = mkdtempSync(join(tmpdir(), 'alphaswarm-constructs-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function queues(): Record<QueueName, TaskQueue> {
  const stack = new Stack(new App({ outdir: join(scratch, 'assembly') }), 'S');
  const made = queueNames.map((name) => [name, new TaskQueue(stack, name, { cell: 'c', name })]);
  return Object.fromEntries(made) as Record<QueueName, TaskQueue>;
}

describe('the environment of a function', () => {
  it('does not compile without one of the common variables', () => {
    const { BUCKET: _bucket, ...lacking } = common;
    // @ts-expect-error BUCKET is missing
    const made = environmentOf({ entryPoint: 'ingestion', common: lacking, queues: queues(), own: {} });
    expect(made).not.toHaveProperty('BUCKET');
  });

  it('does not compile without the URLs of the queues that its entry point writes to', () => {
    // @ts-expect-error QUEUE_URL_INGESTION, DLQ_URL_INGESTION and others are missing
    const lacking: EnvironmentOf<'ingestion'> = { ...common };
    // @ts-expect-error the system function writes to ingestion too
    const system: EnvironmentOf<'system'> = { ...common, QUEUE_URL_SYSTEM: 'q', DLQ_URL_SYSTEM: 'd' };
    expect([lacking, system]).toHaveLength(2);
  });

  it('does not compile for a dispatcher that is not told what to start', () => {
    // @ts-expect-error CLUSTER, SUBNETS, SECURITY_GROUP and the task definitions are missing
    const made = environmentOf({ entryPoint: 'dispatcher', common, queues: queues(), own: {} });
    expect(made).not.toHaveProperty('CLUSTER');
  });

  it('does not compile for an entry point that does not exist', () => {
    // @ts-expect-error no task is on the queue rag yet
    expect(() => environmentOf({ entryPoint: 'rag', common, queues: queues(), own: {} })).toThrow(TypeError);
  });

  it('holds the URLs of no other queue', () => {
    const names = Object.keys(environmentOf({ entryPoint: 'ingestion', common, queues: queues(), own: {} }));
    expect(names.filter((name) => name.includes('_URL_'))).toEqual(
      ['ingestion', 'backtest', 'default', 'kick', 'progress'].flatMap((queue) => [
        `QUEUE_URL_${queue.toUpperCase()}`,
        `DLQ_URL_${queue.toUpperCase()}`,
      ]),
    );
  });
});

describe('visibility', () => {
  it('is 10 s beyond the timeout where a function works, 10 s beyond the lease where an executor pulls', () => {
    expect({ system: visibilityOf(queueRow('system')), ingestion: visibilityOf(queueRow('ingestion')) }).toEqual({
      system: 60,
      ingestion: 730,
    });
    expect(visibilityOf(queueRow('backtest'))).toBe(15);
  });
});

describe('a bundle', () => {
  const at = (place: string) => ({
    codeFolder: join(place, 'bundle', 'code'),
    metaFile: join(place, 'bundle', 'meta.json'),
  });

  it('is refused with the name of the entry file that is not there', () => {
    expect(() => bundle({ root, file: 'functions/consumers/nothing.ts', ...at(scratch) })).toThrow(
      'functions/consumers/nothing.ts',
    );
  });

  it('is refused when it imports what does not exist, of which esbuild merely warns', () => {
    writeFileSync(join(scratch, 'other.ts'), '');
    writeFileSync(
      join(scratch, 'entry.ts'),
      "import { gone } from './other.ts';\nexport const handler = () => gone;\n",
    );
    expect(() => bundle({ root: scratch, file: 'entry.ts', ...at(scratch) })).toThrow(
      /entry\.ts is bundled with warnings:[^]*"gone"/,
    );
  });

  it('is the same wherever the project lies', () => {
    const files = ['here', 'elsewhere/deeper'].map((folder) => {
      const place = join(scratch, folder);
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, 'lazy.ts'), 'export const answer = 42;\n');
      writeFileSync(
        join(place, 'entry.ts'),
        "export const handler = async () => (await import('./lazy.ts')).answer;\n",
      );
      const code = bundle({ root: place, file: 'entry.ts', ...at(place) });
      return readdirSync(code).map((name) => [name, readFileSync(join(code, name), 'utf8')]);
    });
    expect(files[1]).toEqual(files[0]);
    expect(files[0]?.length).toBeGreaterThan(1);
  });
});

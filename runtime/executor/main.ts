import { SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import type { Family } from '#core/catalogue/entry-points.ts';
import { logLines } from '#core/catalogue/metrics.ts';
import { Failure, toFailure } from '#core/errors.ts';
import { runExecutor } from '#core/executor.ts';
import type { AnyBodies } from '#core/task.ts';
import { parseEnvironment } from '../environment.ts';
import { runtimeInbox } from '../inbox.ts';
import { runtimeLog } from '../log.ts';
import { clientOptions, services } from '../services.ts';
import { childBodies } from './child.ts';
import { serveChild } from './serve.ts';

/** The main program of a family's container: the executor, or a child of it when the first argument is `child`. */
export async function executorMain(family: Family, bodies: AnyBodies): Promise<void> {
  const [, entry = '', role] = process.argv;
  if (role === 'child') return serveChild(bodies);
  try {
    await serveFamily(family, bodies, entry);
  } catch (thrown) {
    const failure = toFailure(thrown);
    runtimeLog('WARN').warn(logLines.startFailed, { family, code: failure.code, reason: failure.message });
    process.exitCode = 1;
  }
}

async function serveFamily(family: Family, bodies: AnyBodies, entry: string): Promise<void> {
  const shutdown = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => shutdown.abort());
  const environment = parseEnvironment(family, process.env);
  const plane = services(environment, await ownTask());
  const { region, local } = environment;
  const sqs = new SQSClient({
    ...clientOptions,
    region,
    ...(local && { endpoint: local.endpoints.sqs, useQueueUrlAsEndpoint: false }),
  });
  try {
    await plane.ready();
    const inbox = runtimeInbox(sqs, environment.queueUrls);
    await runExecutor(
      { ...plane, inbox },
      {
        family,
        bodies: childBodies(bodies, { entry, log: plane.log }),
        shutdown: shutdown.signal,
      },
    );
    plane.metrics.flush();
  } finally {
    sqs.destroy();
    plane.close();
  }
}

const metadataSchema = z.object({ TaskARN: z.string().min(10) });

/** Its own ARN, from the task metadata endpoint (version 4) that ECS gives every container. */
async function ownTask(): Promise<string> {
  const uri = process.env['ECS_CONTAINER_METADATA_URI_V4'];
  if (!uri)
    throw new Failure('CONFIGURATION_INVALID', 'ECS_CONTAINER_METADATA_URI_V4 is not set: is this a task of ECS?');
  const answer = await fetch(`${uri}/task`, { signal: AbortSignal.timeout(5000) });
  const metadata = metadataSchema.safeParse(await answer.json());
  if (metadata.success) return metadata.data.TaskARN;
  throw new Failure('DEPENDENCY_UNAVAILABLE', `the task metadata at ${uri}/task has no TaskARN`);
}

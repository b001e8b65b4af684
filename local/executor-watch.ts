// What a driven clock must know of executors. One that waits for work may be jumped over: it would keep the clock at wall
// speed for as long as it idles. It counts as busy while it starts or stops, while a message of its queue can be received
// or has just been, and while its slots hold a run: it says so itself, in the control table, before it claims.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { ClientSettings } from '#local/aws-clients.ts';
import type { QueueState, QueueWatch } from '#local/backplane.ts';
import type { PlaneEndpoints } from '#local/plane-event.ts';
import type { PlaneResources } from '#local/plane-resources.ts';
import type { Task } from '#local/task.ts';
import type { TaskDefinitionSpec } from '#local/task-resources.ts';
import type { Tasks } from '#local/tasks.ts';
import { runtimeControl } from '#runtime/control.ts';

export interface ExecutorWatch {
  /** No executor works. */
  isQuiet(): Promise<boolean>;
  /** No queue that executors pull from holds any message. */
  isDrained(): Promise<boolean>;
  /** When a hidden message comes back to an executor that waits, in wall time. */
  nextReturnMs(): Promise<number | undefined>;
  stop(): void;
}

interface ExecutorWatchOptions {
  /** Absent on a backplane that runs none: then nobody pulls. */
  tasks: Tasks | undefined;
  resources: PlaneResources;
  queues: QueueWatch;
  endpoints: PlaneEndpoints;
  settings: ClientSettings;
}

/** From receiving a message to holding its run, at most. A message that stays hidden for longer is put off, not held. */
const CLAIMED_WITHIN_MS = 5000;

const slotsSchema = z.object({ slots: z.array(z.string().nullable()) });

export function watchExecutors({ tasks, resources, queues, endpoints, settings }: ExecutorWatchOptions): ExecutorWatch {
  const client = new DynamoDBClient({ ...settings, endpoint: endpoints.dynamodb });
  const documents = DynamoDBDocumentClient.from(client);
  const definitions = tasks ? resources.taskDefinitions : [];
  const pulled = new Map(definitions.map((one) => [one, queuesPulledBy(one, resources)]));
  const firstSeenMs = new Map<string, number>();
  const living = (): Readonly<Task>[] => (tasks?.list() ?? []).filter(({ lastStatus }) => lastStatus !== 'STOPPED');

  const statesOf = async (definitions: Iterable<TaskDefinitionSpec>): Promise<QueueState[]> => {
    const names = new Set([...definitions].flatMap((definition) => pulled.get(definition) ?? []));
    if (names.size === 0) return [];
    const states = await queues.look();
    return [...names].flatMap((name) => states.get(name) ?? []);
  };

  function justReceived({ inFlightHandles }: QueueState): boolean {
    const nowMs = Date.now();
    for (const handle of inFlightHandles) if (!firstSeenMs.has(handle)) firstSeenMs.set(handle, nowMs);
    return inFlightHandles.some((handle) => nowMs - (firstSeenMs.get(handle) ?? 0) < CLAIMED_WITHIN_MS);
  }

  async function holdsRun({ arn, definition }: Readonly<Task>): Promise<boolean> {
    const table = definition.container.variables['CONTROL_TABLE'];
    if (table === undefined) return false;
    const record = await runtimeControl(documents, table).read(`slot#${arn}`);
    return slotsSchema.safeParse(record?.value).data?.slots.some((run) => run !== null) ?? false;
  }

  const livingStates = (): Promise<QueueState[]> => statesOf(living().map(({ definition }) => definition));
  return {
    async isQuiet() {
      const all = living();
      if (all.some(({ lastStatus, desiredStatus }) => lastStatus !== 'RUNNING' || desiredStatus !== 'RUNNING'))
        return false;
      const states = await livingStates();
      if (states.some((state) => state.depth.visible > 0 || justReceived(state))) return false;
      const holding = await Promise.all(all.map(holdsRun));
      return !holding.includes(true);
    },
    isDrained: async () =>
      (await statesOf(pulled.keys())).every(({ depth }) => Object.values(depth).every((count) => count === 0)),
    async nextReturnMs() {
      const returns = (await livingStates()).flatMap(({ nextReturnMs }) => nextReturnMs ?? []);
      return returns.length > 0 ? Math.min(...returns) : undefined;
    },
    stop: () => client.destroy(),
  };
}

/** Queues that a task is told of, from which no function receives, and which hold no dead letters. */
function queuesPulledBy({ container }: TaskDefinitionSpec, { queues, mappings }: PlaneResources): string[] {
  const told = new Set(Object.values(container.variables));
  const taken = new Set(mappings.map(({ queueArn }) => queueArn));
  const letters = new Set(queues.map(({ deadLetterArn }) => deadLetterArn));
  return queues.filter(({ url, arn }) => told.has(url) && !taken.has(arn) && !letters.has(arn)).map(({ name }) => name);
}

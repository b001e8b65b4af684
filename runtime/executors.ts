import {
  ConflictException,
  ECSServiceException,
  RunTaskCommand,
  StopTaskCommand,
  type ECSClient,
  type RunTaskCommandOutput,
} from '@aws-sdk/client-ecs';
import type { QueueName } from '#core/catalogue/queues.ts';
import { Failure } from '#core/errors.ts';
import type { Executors } from '#core/ports.ts';
import type { LaunchSettings } from './environment.ts';

/** Standalone Fargate tasks: started under a client token, so that a repeated launch is answered with the same tasks. */
export function runtimeExecutors(client: ECSClient, settings: LaunchSettings): Executors {
  const definitionOf = (family: QueueName): string => {
    const definition = settings.taskDefinitions[family];
    if (definition) return definition;
    throw new Failure('CONFIGURATION_INVALID', `no task definition of the family ${family} was given to this function`);
  };
  return {
    async launch({ family, count, capacity, token }) {
      const answer = await client
        .send(
          new RunTaskCommand({
            cluster: settings.cluster,
            taskDefinition: definitionOf(family),
            count,
            clientToken: token,
            capacityProviderStrategy: [{ capacityProvider: capacity, weight: 1 }],
            networkConfiguration: {
              awsvpcConfiguration: {
                subnets: [...settings.subnets],
                securityGroups: [settings.securityGroup],
                assignPublicIp: 'ENABLED',
              },
            },
          }),
        )
        .catch((error: unknown) => refusal(error));
      const tasks = (answer.tasks ?? []).flatMap(({ taskArn }) => taskArn ?? []);
      const refused = (answer.failures ?? []).map(({ reason, detail }) => [reason, detail].filter(Boolean).join(': '));
      return { tasks, ...(refused.length > 0 ? { refused: refused.join('; ') } : {}) };
    },
    async stop(task, reason) {
      await client.send(new StopTaskCommand({ cluster: settings.cluster, task, reason: reason.slice(0, 255) }));
    },
  };
}

type Answer = Pick<RunTaskCommandOutput, 'tasks' | 'failures'>;

/**
 * What ECS says no to it will say no to again: a failed start, with its reason. That the token was used with other
 * parameters (a deployment came in between) tells which tasks it started. Everything else is for the next delivery.
 */
function refusal(error: unknown): Answer {
  if (error instanceof ConflictException) return { tasks: (error.resourceIds ?? []).map((taskArn) => ({ taskArn })) };
  const passes = !(error instanceof ECSServiceException) || error.$fault === 'server' || error.$retryable !== undefined;
  if (passes || /Throttl|TooManyRequests/.test(error.name)) throw error;
  return { tasks: [], failures: [{ reason: error.name, detail: error.message }] };
}

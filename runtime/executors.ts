import { RunTaskCommand, StopTaskCommand, type ECSClient } from '@aws-sdk/client-ecs';
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

/** Capacity that is not to be had comes as a failure or as an exception; everything else is for the next delivery. */
function refusal(error: unknown): { tasks: []; failures: { reason: string; detail?: string }[] } {
  const { name, message } = error as Error;
  if (!/Capacity|PlatformTaskDefinitionIncompatibility|LimitExceeded/i.test(`${name} ${message}`)) throw error;
  return { tasks: [], failures: [{ reason: name, detail: message }] };
}

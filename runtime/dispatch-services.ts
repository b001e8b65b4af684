import { ECSClient } from '@aws-sdk/client-ecs';
import type { Executors } from '#core/ports.ts';
import { Failure } from '#core/errors.ts';
import type { Environment } from './environment.ts';
import { runtimeExecutors } from './executors.ts';
import { clientOptions, services, type Services } from './services.ts';

/** The plane with a hand on ECS: in a file of its own, so that no other bundle carries that client. */
export function dispatchServices(environment: Environment): Services & { readonly executors: Executors } {
  const { launch, local, region } = environment;
  if (!launch) throw new Failure('CONFIGURATION_INVALID', 'only the dispatcher is told what to launch');
  const client = new ECSClient({ ...clientOptions, region, ...(local && { endpoint: local.endpoints.ecs }) });
  const plane = services(environment);
  return {
    ...plane,
    executors: runtimeExecutors(client, launch),
    close() {
      client.destroy();
      plane.close();
    },
  };
}

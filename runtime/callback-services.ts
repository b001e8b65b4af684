import type { Webhooks } from '#core/ports.ts';
import type { Environment } from './environment.ts';
import { runtimeSecrets } from './secrets.ts';
import { services, type Services } from './services.ts';
import { runtimeWebhooks } from './webhooks.ts';

/** The plane with a way out: in a file of its own, so that no other bundle can call anybody or read a secret. */
export const callbackServices = (environment: Environment): Services & { readonly webhooks: Webhooks } => ({
  ...services(environment),
  webhooks: runtimeWebhooks({ secrets: runtimeSecrets(environment), local: environment.local !== undefined }),
});

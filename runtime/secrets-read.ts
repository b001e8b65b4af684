import { Failure } from '#core/errors.ts';
import type { Environment } from './environment.ts';
import { clientOptions } from './services.ts';

// What Secrets Manager and the parameter store have in common, for runtime/secrets.ts.

export type Where = Pick<Environment, 'cell' | 'region' | 'local'>;
export const keptForSeconds = 300;

export const settings = ({ region, local }: Where, service: 'secretsmanager' | 'ssm') => ({
  ...clientOptions,
  region,
  ...(local && { endpoint: local.endpoints[service] }),
});

/** What is kept under the name, or undefined when nothing is. @throws Failure DEPENDENCY_UNAVAILABLE */
export async function present(name: string, ask: () => Promise<unknown>): Promise<string | undefined> {
  try {
    const value = await ask();
    if (value instanceof Uint8Array) return new TextDecoder().decode(value);
    return typeof value === 'string' && value !== '' ? value : undefined;
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
    const code = cause instanceof Error ? cause.name : 'unknown';
    if (code === 'ResourceNotFoundException' || code === 'ParameterNotFound') return undefined;
    throw new Failure('DEPENDENCY_UNAVAILABLE', `the secret ${name} could not be read (${code}): it is tried again`, {
      cause,
    });
  }
}

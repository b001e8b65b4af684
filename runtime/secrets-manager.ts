import { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { keptForSeconds, present, settings, type Where } from './secrets-read.ts';

type SecretReader = (name: string, version: 'current' | 'previous') => Promise<string | undefined>;

/** A version of a secret. */
export function secretsReader(where: Where): SecretReader {
  const client = new SecretsManagerClient(settings(where, 'secretsmanager'));
  // One provider a version: it remembers by name alone.
  const stages = {
    current: { provider: new SecretsProvider({ awsSdkV3Client: client }), label: 'AWSCURRENT' },
    previous: { provider: new SecretsProvider({ awsSdkV3Client: client }), label: 'AWSPREVIOUS' },
  } as const;
  return (name, version) => {
    const { provider, label } = stages[version];
    const id = `alphaswarm/${where.cell}/${name}`;
    const sdkOptions = { VersionStage: label };
    return present(name, () => provider.get(id, { maxAge: keptForSeconds, sdkOptions }));
  };
}

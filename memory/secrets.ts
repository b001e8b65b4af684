import { checkSecretName, secretMissing, type Secrets, type SecretVersions } from '#core/ports-secrets.ts';

/** Secrets that a test puts there, and takes away or rotates as it goes. */
export function memorySecrets(kept: Record<string, SecretVersions> = {}): Secrets & {
  readonly kept: Record<string, SecretVersions>;
} {
  const find = (name: string): SecretVersions => {
    checkSecretName(name);
    const found = kept[name];
    if (!found) throw secretMissing(name, 'put it into the twin');
    return found;
  };
  return { kept, read: async (name) => find(name), parameter: async (name) => find(name).current };
}

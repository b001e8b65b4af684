/**
 * The resolver of secrets: nothing else reads one.
 *
 * On AWS a secret is `alphaswarm/<cell>/<name>` in Secrets Manager, with the version before it for as long as that is
 * labelled AWSPREVIOUS, and a parameter `/alphaswarm/<cell>/<name>` in SSM. Both are kept for five minutes. On the local
 * plane, and nowhere else, they may come from a file. The SDK's clients are loaded with the first question, since most
 * environments never ask one.
 */
import { readFileSync, statSync } from 'node:fs';
import * as z from 'zod';
import { describeIssues } from '#core/envelope.ts';
import { Failure } from '#core/errors.ts';
import { checkSecretName, secretMissing, type Secrets, type SecretVersions } from '#core/ports-secrets.ts';
import type { Environment } from './environment.ts';
import { once } from './once.ts';
import { clientOptions } from './services.ts';

const keptForSeconds = 300;

type Where = Pick<Environment, 'cell' | 'region' | 'local'>;

/** The secrets of the cell. */
export function runtimeSecrets(where: Where): Secrets {
  const file = where.local?.secretsFile;
  return file === undefined ? awsSecrets(where) : fileSecrets(file);
}

function awsSecrets(where: Where): Secrets {
  const secrets = once(() => secretsReader(where));
  const parameters = once(() => parameterReader(where));
  return {
    async read(name) {
      checkSecretName(name);
      const read = await secrets();
      const [current, previous] = await Promise.all([read(name, 'current'), read(name, 'previous')]);
      if (current === undefined) throw secretMissing(name, howToPut(where.cell, name));
      return previous === undefined || previous === current ? { current } : { current, previous };
    },
    async parameter(name) {
      checkSecretName(name);
      const value = await (await parameters())(name);
      if (value !== undefined && value !== '') return value;
      const id = `/alphaswarm/${where.cell}/${name}`;
      throw secretMissing(name, `aws ssm put-parameter --type SecureString --name ${id} --value file://VALUE`);
    },
  };
}

const howToPut = (cell: string, name: string): string =>
  `aws secretsmanager create-secret --name alphaswarm/${cell}/${name} --secret-string file://VALUE puts it there`;

type SecretReader = (name: string, version: 'current' | 'previous') => Promise<string | undefined>;

async function secretsReader(where: Where): Promise<SecretReader> {
  const [{ SecretsProvider }, { SecretsManagerClient }] = await Promise.all([
    import('@aws-lambda-powertools/parameters/secrets'),
    import('@aws-sdk/client-secrets-manager'),
  ]);
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

async function parameterReader(where: Where): Promise<(name: string) => Promise<string | undefined>> {
  const [{ SSMProvider }, { SSMClient }] = await Promise.all([
    import('@aws-lambda-powertools/parameters/ssm'),
    import('@aws-sdk/client-ssm'),
  ]);
  const provider = new SSMProvider({ awsSdkV3Client: new SSMClient(settings(where, 'ssm')) });
  return (name) =>
    present(name, () => provider.get(`/alphaswarm/${where.cell}/${name}`, { maxAge: keptForSeconds, decrypt: true }));
}

const settings = ({ region, local }: Where, service: 'secretsmanager' | 'ssm') => ({
  ...clientOptions,
  region,
  ...(local && { endpoint: local.endpoints[service] }),
});

/** What is kept under the name, or undefined when nothing is. @throws Failure DEPENDENCY_UNAVAILABLE */
async function present(name: string, ask: () => Promise<unknown>): Promise<string | undefined> {
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

const fileSchema = z.record(
  z.string(),
  z.strictObject({ current: z.string().min(1), previous: z.string().min(1).optional() }),
);

/** Read anew each time: whoever develops changes it while the plane runs. */
function fileSecrets(file: string): Secrets {
  const find = (name: string): SecretVersions => {
    checkSecretName(name);
    const found = readSecretsFile(file)[name];
    if (!found) throw secretMissing(name, `put {"${name}": {"current": "..."}} into the file that SECRETS_FILE names`);
    return found.previous === undefined ? { current: found.current } : { ...found, previous: found.previous };
  };
  return { read: async (name) => find(name), parameter: async (name) => find(name).current };
}

function readSecretsFile(file: string): z.output<typeof fileSchema> {
  const invalid = (why: string): Failure =>
    new Failure('CONFIGURATION_INVALID', `SECRETS_FILE ${JSON.stringify(file)} cannot be used: ${why}`);
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) return {};
  if ((stat.mode & 0o077) !== 0) throw invalid('others may read it: chmod 600');
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // What the parser says of it may quote the secret.
    throw invalid('it is not JSON');
  }
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) throw invalid(describeIssues(parsed.error));
  return parsed.data;
}

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
import { once } from './once.ts';
import type { Where } from './secrets-read.ts';

/** The secrets of the cell. */
export function runtimeSecrets(where: Where): Secrets {
  const file = where.local?.secretsFile;
  return file === undefined ? awsSecrets(where) : fileSecrets(file);
}

function awsSecrets(where: Where): Secrets {
  const secrets = once(async () => (await import('./secrets-manager.ts')).secretsReader(where));
  const parameters = once(async () => (await import('./parameter-store.ts')).parameterReader(where));
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

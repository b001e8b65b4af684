// Secrets Manager's GetSecretValue and SSM's GetParameter, from the very file that SECRETS_FILE names:
// {"webhooks/x": {"current": "...", "previous": "..."}}. `alphaswarm/<cell>/` before a name is left away.
import { existsSync, readFileSync } from 'node:fs';
import * as z from 'zod';
import { failure, jsonOf, type Call, type Reply } from '#local/aws-call.ts';
import { LOCAL_ACCOUNT_ID } from '#local/resource-types.ts';

export interface SecretsFile {
  file: string;
  region: string;
}

const fileSchema = z.record(z.string(), z.object({ current: z.string(), previous: z.string().optional() }));

const secretSchema = z.object({
  SecretId: z.string(),
  VersionStage: z.string().default('AWSCURRENT'),
  VersionId: z.undefined({ error: 'versions are told by VersionStage here' }),
});
const parameterSchema = z.object({ Name: z.string(), WithDecryption: z.boolean().nullish() });

/** Undefined for what is no call of it. */
export function askSecrets({ target, body }: Call, secrets: SecretsFile): Reply | undefined {
  if (target === 'secretsmanager.GetSecretValue')
    return parsed(secretSchema, body, (request) => secretValue(secrets, request));
  if (target === 'AmazonSSM.GetParameter')
    return parsed(parameterSchema, body, (request) => parameter(secrets, request));
  return undefined;
}

function parsed<Schema extends z.ZodType>(
  schema: Schema,
  body: string,
  answer: (request: z.infer<Schema>) => Reply,
): Reply {
  const request = schema.safeParse(jsonOf(body));
  return request.success ? answer(request.data) : failure(400, 'ValidationException', z.prettifyError(request.error));
}

function secretValue(secrets: SecretsFile, { SecretId, VersionStage }: z.infer<typeof secretSchema>): Reply {
  // As AWS makes an ARN of a name: with six characters behind it.
  const name = /^arn:[^:]*:secretsmanager:[^:]*:[^:]*:secret:(.+)-\w{6}$/.exec(SecretId)?.[1] ?? SecretId;
  const found = find(secrets, name);
  const value = found && { AWSCURRENT: found.current, AWSPREVIOUS: found.previous }[VersionStage];
  if (value === undefined) {
    const what = found ? `staging label ${VersionStage} of ${name}` : `secret ${name}`;
    return failure(400, 'ResourceNotFoundException', `Secrets Manager can't find the ${what} in ${secrets.file}.`);
  }
  const arn = `arn:aws:secretsmanager:${secrets.region}:${LOCAL_ACCOUNT_ID}:secret:${name}-local0`;
  // At least 32 characters, as the service has it.
  const version = `${VersionStage.toLowerCase()}-${'0'.repeat(24)}`;
  const body = { ARN: arn, Name: name, SecretString: value, VersionId: version, VersionStages: [VersionStage] };
  return { status: 200, body };
}

function parameter(secrets: SecretsFile, { Name }: z.infer<typeof parameterSchema>): Reply {
  const found = find(secrets, Name.replace(/^\//, ''));
  if (!found) return failure(400, 'ParameterNotFound', `${Name} is not in ${secrets.file}.`);
  const arn = `arn:aws:ssm:${secrets.region}:${LOCAL_ACCOUNT_ID}:parameter/${Name.replace(/^\//, '')}`;
  const body = { Name, Type: 'SecureString', Value: found.current, Version: 1, ARN: arn, DataType: 'text' };
  return { status: 200, body: { Parameter: body } };
}

/** Read anew each time: whoever develops changes it while the plane runs. */
function find({ file }: SecretsFile, name: string): z.infer<typeof fileSchema>[string] | undefined {
  if (!existsSync(file)) return undefined;
  const all = fileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const short = name.replace(/^alphaswarm\/[^/]+\//, '');
  return Object.hasOwn(all, short) ? all[short] : undefined;
}

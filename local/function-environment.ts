// The complete environment of a function: what the template gives it, what Lambda gives it, and where its AWS is. Nothing
// of the plane's own process is inherited, so a developer's AWS_PROFILE or session token cannot leak into a run.
import { devNull } from 'node:os';
import type { ClientSettings } from '#local/aws-clients.ts';
import { PlaneError } from '#local/errors.ts';
import { requireLoopback } from '#local/loopback.ts';
import type { PlaneEndpoints } from '#local/plane-event.ts';
import type { FunctionSpec } from '#local/resources.ts';

export interface EnvironmentOptions {
  endpoints: PlaneEndpoints;
  settings: ClientSettings;
  clockFile: string;
  secretsFile: string;
  /** The plane's own PATH, for functions that start programs. */
  path: string;
}

/** Variables that would point a function at a real account, or at somebody's session in it. */
const FORBIDDEN = ['AWS_PROFILE', 'AWS_SESSION_TOKEN', 'AWS_ROLE_ARN', 'AWS_WEB_IDENTITY_TOKEN_FILE'];

/** Throws NOT_LOOPBACK or TEMPLATE_UNSUPPORTED for a template that names another AWS than the plane. */
export function functionEnvironment(spec: FunctionSpec, options: EnvironmentOptions): Record<string, string> {
  refuseOtherAccounts(spec.variables, `the function ${spec.name}`);
  return { ...spec.variables, ...lambdaVariables(spec, options), ...localVariables(options), ...secretsOf(options) };
}

/** Functions alone: what runs in a container has no business with secrets. */
const secretsOf = ({ secretsFile }: EnvironmentOptions): Record<string, string> => ({ SECRETS_FILE: secretsFile });

function lambdaVariables(spec: FunctionSpec, { settings, path }: EnvironmentOptions): Record<string, string> {
  return {
    AWS_REGION: settings.region,
    AWS_DEFAULT_REGION: settings.region,
    AWS_LAMBDA_FUNCTION_NAME: spec.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(spec.memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: spec.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: 'local/[$LATEST]',
    AWS_EXECUTION_ENV: `AWS_Lambda_${spec.runtime}`,
    _HANDLER: spec.handler,
    LAMBDA_TASK_ROOT: spec.codeDir,
    TZ: ':UTC',
    LANG: 'en_US.UTF-8',
    PATH: path,
  };
}

/** Where its AWS and its clock are; with the fake credentials, since nothing is inherited. */
export function localVariables(options: EnvironmentOptions): Record<string, string> {
  const { endpoints, settings, clockFile } = options;
  return {
    AWS_ACCESS_KEY_ID: settings.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: settings.credentials.secretAccessKey,
    AWS_ENDPOINT_URL: endpoints.aws,
    AWS_ENDPOINT_URL_SQS: endpoints.sqs,
    AWS_ENDPOINT_URL_S3: endpoints.s3,
    AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoints.aws,
    // Neither the developer's files nor a host's metadata service is asked for anything.
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_EC2_METADATA_DISABLED: 'true',
    ALPHASWARM_LOCAL: '1',
    ALPHASWARM_CLOCK_FILE: clockFile,
  };
}

/** Throws for a variable by which `owner` would find another AWS. */
export function refuseOtherAccounts(variables: Record<string, string>, owner: string): void {
  for (const [name, value] of Object.entries(variables)) {
    const where = `The variable ${name} of ${owner}`;
    if (name.startsWith('AWS_ENDPOINT_URL')) requireLoopback(value, where);
    if (!FORBIDDEN.includes(name)) continue;
    throw new PlaneError('TEMPLATE_UNSUPPORTED', `${where} would choose a real account. Remove it in lib/.`);
  }
}

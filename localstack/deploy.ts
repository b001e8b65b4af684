// `cdk bootstrap` and `cdk deploy`, the real ones, against an emulator on loopback, in an environment from which nothing can
// reach AWS: made-up keys, no files of the developer's, and a process that refuses every connection to another machine.
import { mkdirSync, readFileSync } from 'node:fs';
import { devNull } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import type { ClientSettings } from '#local/aws-clients.ts';
import type { Guardian } from '#local/guardian.ts';
import { requireLoopback } from '#local/loopback.ts';
import { LOCAL_ACCOUNT_ID } from '#local/resource-types.ts';
import { refuseUnknown } from './profiles/holes.ts';
import { runProgram } from './run/child.ts';

export interface DeployOptions {
  /** Root of the project. */
  readonly root: string;
  readonly assemblyDir: string;
  readonly endpoint: string;
  /** The CDK remembers the account of a key, so every emulator has one of its own. */
  readonly settings: ClientSettings;
  /** Logs, outputs and the CDK's own home. */
  readonly folder: string;
  readonly guardian: Guardian;
}

const outputsSchema = z.record(z.string(), z.record(z.string(), z.string()));

/** Makes what the CDK needs of an account. Throws START_FAILED with the last that it printed. */
export function bootstrap(options: DeployOptions): Promise<void> {
  const { region } = options.settings;
  return cdk(options, 'bootstrap', ['bootstrap', `aws://${LOCAL_ACCOUNT_ID}/${region}`]);
}

/** Deploys all stacks of the assembly. Throws START_FAILED, and TEMPLATE_UNSUPPORTED for an output that reads `unknown`. */
export async function deploy(options: DeployOptions): Promise<Record<string, string>> {
  const file = join(options.folder, 'outputs.json');
  const never = ['--require-approval', 'never', '--progress', 'events'];
  await cdk(options, 'deploy', ['deploy', '--all', ...never, '--outputs-file', file]);
  return readOutputs(readFileSync(file, 'utf8'));
}

/** The outputs of all stacks, as `STACK.NAME`. Throws TEMPLATE_UNSUPPORTED when one reads `unknown`. */
export function readOutputs(file: string): Record<string, string> {
  const stacks = Object.entries(outputsSchema.parse(JSON.parse(file)));
  const outputs = Object.fromEntries(
    stacks.flatMap(([stack, values]) => Object.entries(values).map(([name, value]) => [`${stack}.${name}`, value])),
  );
  refuseUnknown(outputs, 'The output');
  return outputs;
}

function cdk(options: DeployOptions, name: string, args: readonly string[]): Promise<void> {
  const { root, assemblyDir, folder, guardian } = options;
  const program = join(root, 'node_modules', 'aws-cdk', 'bin', 'cdk');
  const quiet = ['--app', assemblyDir, '--no-notices', '--no-version-reporting', '--no-color', '--ci'];
  const env = lockedEnvironment(options);
  const logFile = join(folder, `cdk-${name}.log`);
  mkdirSync(env['HOME'] ?? '', { recursive: true });
  const command = process.execPath;
  return runProgram(`cdk ${name}`, {
    command,
    args: [program, ...args, ...quiet],
    env,
    cwd: folder,
    logFile,
    guardian,
  });
}

type LockedOptions = Pick<DeployOptions, 'root' | 'endpoint' | 'settings' | 'folder'>;

/** Everything that the CDK is told; of this process's own variables it sees none. */
export function lockedEnvironment(options: LockedOptions): Record<string, string> {
  const { root, endpoint, settings, folder } = options;
  const { accessKeyId, secretAccessKey } = settings.credentials;
  const home = join(folder, 'cdk-home');
  const guard = pathToFileURL(join(root, 'localstack', 'run', 'locked.ts'));
  return {
    PATH: [dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter),
    HOME: home,
    CDK_HOME: home,
    NODE_OPTIONS: `--import=${guard.href}`,
    AWS_ENDPOINT_URL: requireLoopback(endpoint, 'The endpoint of the emulator'),
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: settings.region,
    AWS_DEFAULT_REGION: settings.region,
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_EC2_METADATA_DISABLED: 'true',
    CDK_DISABLE_CLI_TELEMETRY: '1',
    CDK_DISABLE_VERSION_CHECK: '1',
    CI: '1',
  };
}

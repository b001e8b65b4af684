// LocalStack in host mode: one Python process, on one port of 127.0.0.1, with nothing of this machine but a folder.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Guardian } from '#local/guardian.ts';
import { LOOPBACK } from '#local/loopback.ts';
import { failed, startProgram } from './child.ts';

export interface HostOptions {
  readonly interpreter: string;
  /** Emptied by whoever gives it; all that LocalStack writes goes there. */
  readonly folder: string;
  readonly port: number;
  /** Where our executor plug-in finds the Lambda host. */
  readonly lambdaHostUrl: string;
  readonly tablesPort: number;
  readonly guardian: Guardian;
}

export interface Host {
  readonly url: string;
  readonly pid: number;
  readonly logFile: string;
  stop(): Promise<void>;
}

const startLimitMs = 60_000;
const stopLimitMs = 5_000;
const lookEveryMs = 100;

/** Starts LocalStack and resolves once it answers. Throws START_FAILED with what it printed. */
export async function startHost(options: HostOptions): Promise<Host> {
  const { interpreter, folder, port, guardian } = options;
  for (const name of ['home', 'tmp', 'state']) mkdirSync(join(folder, name), { recursive: true });
  const logFile = join(folder, 'localstack.log');
  const args = ['-m', 'localstack.runtime.main'];
  const program = startProgram({
    command: interpreter,
    args,
    env: environment(options),
    cwd: folder,
    logFile,
    guardian,
  });
  let over: number | string | undefined;
  void program.ended.then((ended) => (over = ended));
  const url = `http://${LOOPBACK}:${port}`;
  const stop = async (): Promise<void> => {
    if (over !== undefined) return;
    program.child.kill('SIGTERM');
    const timer = setTimeout(() => program.child.kill('SIGKILL'), stopLimitMs);
    await program.ended;
    clearTimeout(timer);
  };
  const deadlineMs = Date.now() + startLimitMs;
  while (!(await answers(url))) {
    if (over !== undefined) throw failed('LocalStack', over, logFile);
    if (Date.now() > deadlineMs) {
      await stop();
      throw failed('LocalStack', `no answer within ${startLimitMs / 1000} s`, logFile);
    }
    await sleep(lookEveryMs);
  }
  return { url, pid: program.child.pid ?? -1, logFile, stop };
}

function environment(options: HostOptions): Record<string, string> {
  const { folder, port, lambdaHostUrl, tablesPort } = options;
  const address = `${LOOPBACK}:${port}`;
  return {
    PATH: '/usr/bin:/bin',
    HOME: join(folder, 'home'),
    TMPDIR: join(folder, 'tmp'),
    FILESYSTEM_ROOT: join(folder, 'state'),
    GATEWAY_LISTEN: address,
    // The default server, Twisted, binds every interface for IPv4 whatever GATEWAY_LISTEN says.
    GATEWAY_SERVER: 'hypercorn',
    LOCALSTACK_HOST: address,
    DNS_ADDRESS: '0',
    // Queue URLs as the local plane has them, http://ADDRESS/ACCOUNT/NAME.
    SQS_ENDPOINT_STRATEGY: 'off',
    EAGER_SERVICE_LOADING: '0',
    // Its strict mode asks its makers what it supports, and without an answer supports nothing: the profile decides.
    CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES: '1',
    LAMBDA_RUNTIME_EXECUTOR: 'alphaswarm',
    ALPHASWARM_LAMBDA_HOST: lambdaHostUrl,
    ALPHASWARM_DYNAMODB_PORT: String(tablesPort),
    // Nothing goes out: no usage reports, no certificate, no packages; and what tries meets a proxy that is not there.
    DISABLE_EVENTS: '1',
    SKIP_SSL_CERT_DOWNLOAD: '1',
    HTTP_PROXY: 'http://127.0.0.1:9',
    HTTPS_PROXY: 'http://127.0.0.1:9',
    NO_PROXY: '127.0.0.1,localhost',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/_localstack/health`, { signal: AbortSignal.timeout(2_000) });
    return response.ok;
  } catch {
    // Not listening yet.
    return false;
  }
}

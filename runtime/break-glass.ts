/**
 * The break-glass way: halting without the gateway and without an identity provider, by what IAM alone allows. It is for
 * whoever sits at a terminal while the doors are down, so bin imports it and nothing else does; no bundle holds it.
 *
 * It finds the plane as the function `halt` does, from that function's own environment, and does the same operation:
 * audited as that identity of IAM, or done unaudited where the audit is down too. From outside the network Redis cannot be
 * reached: the mirror halts all the same, and the heartbeat writes the key within a minute.
 */
import { auditWriter } from '#core/audit-writer.ts';
import { logLines } from '#core/catalogue/metrics.ts';
import { Failure } from '#core/errors.ts';
import { engage, narrow, type HaltResult } from '#core/halt.ts';
import type { Narrowed } from '#core/kill-switch.ts';
import { operated, type Subject } from '#core/operations.ts';
import type { Log } from '#core/ports.ts';
import { parseEnvironment } from './environment.ts';
import { sha256 } from './hash.ts';
import { clientOptions, services } from './services.ts';

type Variables = Readonly<Record<string, string>>;

/** The plane as the function `halt` sees it, and who breaks the glass. */
export interface BrokenGlass {
  readonly variables: Variables;
  readonly by: string;
}

/** A deployed cell: its function's environment, in the name of the caller's own credentials. */
export async function glassOf(cell: string, region: string): Promise<BrokenGlass> {
  const { LambdaClient, GetFunctionConfigurationCommand } = await import('@aws-sdk/client-lambda');
  const { STSClient, GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
  const [lambda, sts] = [new LambdaClient({ ...clientOptions, region }), new STSClient({ ...clientOptions, region })];
  try {
    // As lib/names.ts names it.
    const FunctionName = `alphaswarm-${cell}-halt`;
    const [{ Environment }, { Arn }] = await Promise.all([
      lambda.send(new GetFunctionConfigurationCommand({ FunctionName })),
      sts.send(new GetCallerIdentityCommand({})),
    ]);
    // Lambda sets the region itself, and does not list it.
    return { variables: { ...Environment?.Variables, AWS_REGION: region }, by: Arn ?? 'iam' };
  } finally {
    lambda.destroy();
    sts.destroy();
  }
}

export interface DirectHalt {
  readonly reason: string;
  /** The whole plane when absent. */
  readonly target?: Pick<Narrowed, 'kind' | 'name'> | undefined;
}
export interface DirectlyHalted {
  readonly did: 'engaged' | 'narrowed';
  readonly by: string;
  readonly epoch?: number;
  /** Whether the key could be written, too. */
  readonly key?: HaltResult['key'];
  readonly audited: boolean;
}

/** Resolves when nothing more can begin. @throws Failure; what DynamoDB says when the mirror cannot be written. */
export async function haltDirectly({ variables, by }: BrokenGlass, wanted: DirectHalt): Promise<DirectlyHalted> {
  if (variables['ALPHASWARM_LOCAL'] === '1') keepToThisMachine(variables);
  const plane = services(parseEnvironment('halt', variables));
  let audited = true;
  // Lines would stand among the answer of a command; what matters of them is told.
  const log: Log = { info: () => undefined, warn: (line) => void (audited = audited && line !== logLines.unaudited) };
  const audit = auditWriter({ log: plane.auditLog, clock: plane.clock, hash: sha256, owner: plane.owner });
  const ports = { ...plane, log, audit };
  const who = { by, reason: `break-glass: ${wanted.reason}` };
  try {
    await plane.ready();
    const { target } = wanted;
    const done = await operated(ports, subjectOf(who, target), async () =>
      target ? narrow(ports, { ...who, ...target }) : engage(ports, who),
    );
    const result = done ? { epoch: done.epoch, key: done.key } : {};
    return { did: target ? 'narrowed' : 'engaged', by, ...result, audited };
  } finally {
    plane.close();
  }
}

const subjectOf = (who: { by: string; reason: string }, target: DirectHalt['target']): Subject => ({
  how: target ? 'narrow' : 'halt',
  request: { ...who, from: 'break-glass', arguments: target ? { [target.kind]: target.name } : {} },
  on: { killSwitch: true, tenant: 'system' },
  evenUnaudited: true,
});

/**
 * The SDK finds credentials in the process: they become the local plane's, and nothing of a developer's own AWS stays.
 *
 * @throws Failure CONFIGURATION_INVALID without them: the SDK would look elsewhere.
 */
function keepToThisMachine(variables: Variables): void {
  if (!variables['AWS_ACCESS_KEY_ID']) {
    throw new Failure('CONFIGURATION_INVALID', 'the local plane has no AWS_ACCESS_KEY_ID: start it again with up');
  }
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  for (const [name, value] of Object.entries(variables)) if (name.startsWith('AWS_')) process.env[name] = value;
}

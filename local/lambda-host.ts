// Runs the functions of the template: a pool of execution environments a function, reused while they live, at most as many
// as its concurrency allows. Each invocation leaves the lines that CloudWatch Logs would show.
import { randomUUID } from 'node:crypto';
import { messageOf, PlaneError } from '#local/errors.ts';
import type { Guardian } from '#local/guardian.ts';
import { startEnvironment, type Environment, type InvocationResult } from '#local/lambda-environment.ts';
import type { Emit } from '#local/plane-event.ts';
import type { FunctionSpec } from '#local/resources.ts';

interface EnvironmentInfo {
  function: string;
  pid: number;
  busy: boolean;
}

export interface Lambdas {
  /**
   * Runs a function once, under a request id of its own unless one is given. Never rejects for what the function does: the
   * result tells. Throws UNKNOWN_NAME.
   */
  invoke(functionName: string, event: unknown, requestId?: string): Promise<InvocationResult>;
  environments(): EnvironmentInfo[];
  /**
   * SIGKILLs an environment in the middle of an invocation of this function: of the request named, or of any. Returns its
   * pid, or undefined if there is none.
   */
  killInFlight(functionName: string, requestId?: string): number | undefined;
  /** Invocations asked for and not over. */
  inFlight(): number;
  /** Invocations asked for so far. */
  begun(): number;
  /** A function that was deployed after the host had started; one of the same name is replaced, its environments end. */
  add(spec: FunctionSpec): Promise<void>;
  stop(): Promise<void>;
}

interface LambdaHostOptions {
  functions: FunctionSpec[];
  variablesOf: (spec: FunctionSpec) => Record<string, string>;
  guardian: Guardian;
  emit: Emit;
  onLogLine: (line: string) => void;
  /** For functions without reserved concurrency; AWS gives a fresh account ten in all. */
  concurrencyPerFunction?: number;
}

const DEFAULT_CONCURRENCY = 10;

interface Pool {
  spec: FunctionSpec;
  limit: number;
  environments: Set<Environment>;
  idle: Environment[];
  /** Invocations that wait for an environment, first come first served. */
  waiting: (() => void)[];
  /** Environments promised to an invocation. */
  taken: number;
}

interface Request {
  requestId: string;
  event: unknown;
}

/** A host for these functions; nothing is started before the first invocation. */
export function createLambdaHost(options: LambdaHostOptions): Lambdas {
  return new PooledHost(options);
}

class PooledHost implements Lambdas {
  readonly #options: LambdaHostOptions;
  readonly #pools: Map<string, Pool>;
  #inFlight = 0;
  #begun = 0;
  #stopped = false;

  constructor(options: LambdaHostOptions) {
    this.#options = options;
    this.#pools = new Map(options.functions.map((spec) => [spec.name, this.#newPool(spec)]));
  }

  async invoke(functionName: string, event: unknown, requestId: string = randomUUID()): Promise<InvocationResult> {
    const pool = this.#pool(functionName);
    this.#inFlight += 1;
    this.#begun += 1;
    try {
      await this.#slot(pool);
      return await this.#runIn(pool, { requestId, event });
    } finally {
      this.#inFlight -= 1;
    }
  }

  environments(): EnvironmentInfo[] {
    return [...this.#pools.values()].flatMap((pool) =>
      [...pool.environments].map(({ pid, busy }) => ({ function: pool.spec.name, pid, busy })),
    );
  }

  killInFlight(functionName: string, requestId?: string): number | undefined {
    const isMeant = (environment: Environment): boolean =>
      environment.busy && (requestId === undefined || requests.get(environment) === requestId);
    const busy = [...this.#pool(functionName).environments].find(isMeant);
    void busy?.end('killed');
    return busy?.pid;
  }

  inFlight(): number {
    return this.#inFlight;
  }

  begun(): number {
    return this.#begun;
  }

  async add(spec: FunctionSpec): Promise<void> {
    const earlier = [...(this.#pools.get(spec.name)?.environments ?? [])];
    this.#pools.set(spec.name, this.#newPool(spec));
    await Promise.all(earlier.map((environment) => environment.end('stopped')));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const all = [...this.#pools.values()].flatMap((pool) => [...pool.environments]);
    await Promise.all(all.map((environment) => environment.end('stopped')));
  }

  #newPool(spec: FunctionSpec): Pool {
    const limit = spec.reservedConcurrency ?? this.#options.concurrencyPerFunction ?? DEFAULT_CONCURRENCY;
    return { spec, limit, environments: new Set(), idle: [], waiting: [], taken: 0 };
  }

  #pool(functionName: string): Pool {
    const pool = this.#pools.get(functionName);
    if (pool) return pool;
    const known = [...this.#pools.keys()].join(', ') || 'none';
    throw new PlaneError(
      'UNKNOWN_NAME',
      `There is no function ${functionName} on this plane. Known functions: ${known}.`,
    );
  }

  async #slot(pool: Pool): Promise<void> {
    if (pool.taken >= pool.limit) await new Promise<void>((resolve) => pool.waiting.push(resolve));
    else pool.taken += 1;
  }

  /** Hands the slot to whoever waits longest, or gives it back. */
  #release(pool: Pool): void {
    const next = pool.waiting.shift();
    if (next) next();
    else pool.taken -= 1;
  }

  async #runIn(pool: Pool, request: Request): Promise<InvocationResult> {
    try {
      const environment = pool.idle.pop() ?? this.#start(pool);
      const result = await this.#observed(pool, environment, request);
      if (!environment.ended) pool.idle.push(environment);
      return result;
    } finally {
      this.#release(pool);
    }
  }

  #start(pool: Pool): Environment {
    const { spec } = pool;
    if (this.#stopped)
      throw new PlaneError('START_FAILED', `The plane has stopped: ${spec.name} is not started any more.`);
    const { emit, guardian, variablesOf } = this.#options;
    const environment = startEnvironment({
      spec,
      variables: variablesOf(spec),
      guardian,
      onLine: (line) => this.#log(spec, line, requests.get(environment)),
      onEnd: (how) => {
        pool.environments.delete(environment);
        pool.idle = pool.idle.filter((other) => other !== environment);
        emit({ type: 'environment-ended', function: spec.name, pid: environment.pid, how });
      },
    });
    pool.environments.add(environment);
    emit({ type: 'environment-started', function: spec.name, pid: environment.pid });
    return environment;
  }

  async #observed(pool: Pool, environment: Environment, { requestId, event }: Request): Promise<InvocationResult> {
    const { spec } = pool;
    const coldStart = environment.initMs === undefined;
    requests.set(environment, requestId);
    this.#options.emit({ type: 'invocation-started', function: spec.name, requestId, pid: environment.pid, coldStart });
    this.#log(spec, `START RequestId: ${requestId} Version: $LATEST`, requestId);
    const result = await environment.invoke(requestId, event);
    for (const line of closingLines(spec, result, coldStart ? environment.initMs : undefined))
      this.#log(spec, line, requestId);
    const { outcome, durationMs, error } = result;
    this.#options.emit({
      type: 'invocation-ended',
      function: spec.name,
      requestId,
      pid: environment.pid,
      outcome,
      durationMs: Math.round(durationMs),
      ...(error && { message: `${error.errorType}: ${error.errorMessage}` }),
    });
    return result;
  }

  #log(spec: FunctionSpec, line: string, requestId: string | undefined): void {
    this.#options.emit({ type: 'log', function: spec.name, line, ...(requestId !== undefined && { requestId }) });
    try {
      this.#options.onLogLine(line);
    } catch (error) {
      this.#options.emit({ type: 'error', where: `log of ${spec.name}`, message: messageOf(error) });
    }
  }
}

/** The request that an environment works on, or worked on last: lines carry it. */
const requests = new WeakMap<Environment, string>();

function closingLines(spec: FunctionSpec, result: InvocationResult, initMs: number | undefined): string[] {
  const { requestId, durationMs, error, maxRssMb } = result;
  const report = [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${durationMs.toFixed(2)} ms`,
    `Billed Duration: ${Math.ceil(durationMs)} ms`,
    `Memory Size: ${spec.memoryMb} MB`,
    `Max Memory Used: ${maxRssMb ?? 0} MB`,
    ...(initMs === undefined ? [] : [`Init Duration: ${initMs.toFixed(2)} ms`]),
  ].join('\t');
  return [...(error ? [errorLine(result, error)] : []), `END RequestId: ${requestId}`, report];
}

function errorLine({ requestId, outcome }: InvocationResult, error: NonNullable<InvocationResult['error']>): string {
  const at = new Date().toISOString();
  if (outcome === 'timeout') return `${at} ${requestId} ${error.errorMessage}`;
  if (outcome === 'crash') return `RequestId: ${requestId} Error: ${error.errorMessage}`;
  const { errorType, errorMessage, trace } = error;
  return `${at}\t${requestId}\tERROR\tInvoke Error\t${JSON.stringify({ errorType, errorMessage, stack: trace })}`;
}

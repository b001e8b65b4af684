// One execution environment: a process of its own that lives through many invocations, one at a time. Between them it is
// frozen (SIGSTOP), so timers, sockets and promises left over behave as on AWS: they stand still and go on, late, in the
// next invocation. It ends by SIGKILL only: at its timeout, when somebody kills it, when the plane stops.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Guardian } from '#local/guardian.ts';
import {
  endOfOutput,
  type BootstrapArgument,
  type EnvironmentMessage,
  type ErrorReport,
  type InvokeMessage,
} from '#local/lambda-protocol.ts';
import type { InvocationOutcome } from '#local/plane-event.ts';
import type { FunctionSpec } from '#local/resources.ts';

const BOOTSTRAP = fileURLToPath(new URL('lambda-bootstrap.ts', import.meta.url));
/** As on AWS: what takes longer to initialise has failed. */
const INIT_LIMIT_MS = 10_000;
/** How long output of a process that has ended may still be on its way. */
const LAST_OUTPUT_MS = 200;

type EndReason = 'killed' | 'crashed' | 'timeout' | 'stopped';

export interface InvocationResult {
  requestId: string;
  outcome: InvocationOutcome;
  /** What the handler returned; only with the outcome `success`. */
  result?: unknown;
  error?: ErrorReport;
  durationMs: number;
  maxRssMb?: number;
}

export interface EnvironmentOptions {
  spec: FunctionSpec;
  variables: Record<string, string>;
  guardian: Guardian;
  onLine(line: string): void;
  onEnd(how: EndReason): void;
}

export interface Environment {
  readonly pid: number;
  readonly busy: boolean;
  readonly ended: boolean;
  /** Time that initialisation took, once it is over. */
  readonly initMs: number | undefined;
  invoke(requestId: string, event: unknown): Promise<InvocationResult>;
  end(how: EndReason): Promise<void>;
}

type Answer = Extract<EnvironmentMessage, { requestId: string }>;
type Ending = { type: 'ended' } | { type: 'timeout' };

/** Starts the process; initialisation goes on until the first invocation waits for it. */
export function startEnvironment(options: EnvironmentOptions): Environment {
  return new ProcessEnvironment(options);
}

class ProcessEnvironment implements Environment {
  busy = false;
  ended = false;
  initMs: number | undefined;
  readonly pid: number;
  readonly #options: EnvironmentOptions;
  readonly #child: ChildProcess;
  readonly #initialised: Promise<EnvironmentMessage | Ending>;
  readonly #over: Promise<Ending>;
  #endsBy: EndReason = 'crashed';
  #onMark: (mark: string) => void = () => {};

  constructor(options: EnvironmentOptions) {
    this.#options = options;
    this.#child = spawn(process.execPath, [BOOTSTRAP, JSON.stringify(bootstrapArgument(options.spec))], {
      env: options.variables,
      cwd: options.spec.codeDir,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A group of its own: Ctrl-C in a terminal reaches the plane alone, and what a function starts ends with it.
      detached: true,
    });
    this.pid = this.#child.pid ?? -1;
    if (this.pid > 0) options.guardian.add(this.pid);
    this.#over = this.#watchEnd();
    this.#initialised = Promise.race([this.#nextMessage(isInit), this.#over, after(INIT_LIMIT_MS)]);
    for (const stream of [this.#child.stdout, this.#child.stderr]) this.#forwardLines(stream);
  }

  async invoke(requestId: string, event: unknown): Promise<InvocationResult> {
    this.busy = true;
    this.#signal('SIGCONT');
    const result = await this.#run(requestId, event);
    this.busy = false;
    if (!this.ended) this.#signal('SIGSTOP');
    return result;
  }

  async end(how: EndReason): Promise<void> {
    if (!this.ended) {
      this.#endsBy = how;
      this.#signal('SIGKILL');
    }
    await this.#over;
  }

  async #run(requestId: string, event: unknown): Promise<InvocationResult> {
    const init = await this.#initialised;
    if (init.type === 'ready') this.initMs ??= init.initMs;
    else return this.#failedInit(requestId, init);
    const startedMs = performance.now();
    const { timeoutMs } = this.#options.spec;
    const answered = this.#answerTo(requestId);
    const timer = new AbortController();
    this.#send({ type: 'invoke', requestId, deadlineMs: Date.now() + timeoutMs, event });
    const how = await Promise.race([answered, this.#over, after(timeoutMs, timer.signal)]);
    timer.abort();
    const durationMs = performance.now() - startedMs;
    if (how.type === 'timeout') await this.end('timeout');
    return { requestId, durationMs, ...this.#outcome(how) };
  }

  #outcome(how: Answer | Ending): Pick<InvocationResult, 'outcome' | 'result' | 'error' | 'maxRssMb'> {
    switch (how.type) {
      case 'result':
        return { outcome: 'success', result: how.result, maxRssMb: how.maxRssMb };
      case 'failure':
        return { outcome: 'error', error: how.error, maxRssMb: how.maxRssMb };
      case 'timeout': {
        const seconds = (this.#options.spec.timeoutMs / 1000).toFixed(2);
        return { outcome: 'timeout', error: failure('Sandbox.Timedout', `Task timed out after ${seconds} seconds`) };
      }
      case 'ended':
        return { outcome: 'crash', error: failure('Runtime.ExitError', `Runtime exited with error: ${this.#exit()}`) };
    }
  }

  async #failedInit(requestId: string, how: EnvironmentMessage | Ending): Promise<InvocationResult> {
    await this.end('crashed');
    const error =
      how.type === 'init-error'
        ? how.error
        : failure(
            'Runtime.InitError',
            how.type === 'timeout' ? `init took longer than ${INIT_LIMIT_MS} ms` : this.#exit(),
          );
    return { requestId, outcome: 'init-error', error, durationMs: 0 };
  }

  /** The answer to a request, once all that was written before it has arrived too. */
  async #answerTo(requestId: string): Promise<Answer> {
    const outputEnded = this.#untilOutputEnds(requestId);
    const answer = await this.#nextMessage(
      (message): message is Answer => 'requestId' in message && message.requestId === requestId,
    );
    await Promise.race([outputEnded, this.#over]);
    return answer;
  }

  #nextMessage<Wanted extends EnvironmentMessage>(
    isWanted: (message: EnvironmentMessage) => message is Wanted,
  ): Promise<Wanted> {
    return new Promise((resolve) => {
      const listener = (message: unknown): void => {
        if (!isWanted(message as EnvironmentMessage)) return;
        this.#child.off('message', listener);
        resolve(message as Wanted);
      };
      this.#child.on('message', listener);
    });
  }

  #forwardLines(stream: Readable | null): void {
    if (!stream) return;
    createInterface({ input: stream }).on('line', (line) => {
      if (line.startsWith(endOfOutput(''))) this.#onMark(line);
      else if (line !== '') this.#options.onLine(line);
    });
  }

  /** Resolves when both outputs have shown the mark of this request. */
  #untilOutputEnds(requestId: string): Promise<void> {
    return new Promise((resolve) => {
      let missing = 2;
      this.#onMark = (mark) => {
        if (mark === endOfOutput(requestId)) missing -= 1;
        if (missing === 0) resolve();
      };
    });
  }

  async #watchEnd(): Promise<Ending> {
    const closed = once(this.#child, 'close').catch(() => {});
    await Promise.race([once(this.#child, 'exit'), once(this.#child, 'error')]).catch(() => {});
    this.ended = true;
    this.#options.guardian.remove(this.pid);
    await Promise.race([closed, sleep(LAST_OUTPUT_MS)]);
    this.#options.onEnd(this.#endsBy);
    return { type: 'ended' };
  }

  #exit(): string {
    const { signalCode, exitCode } = this.#child;
    return signalCode ? `signal: ${signalCode}` : `exit status ${exitCode}`;
  }

  #send(message: InvokeMessage): void {
    // A process that ended a moment ago cannot be told; #over already knows.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      if (this.pid > 0 && !this.ended) process.kill(-this.pid, signal);
    } catch {
      // It ended between the look and the signal.
    }
  }
}

function bootstrapArgument(spec: FunctionSpec): BootstrapArgument {
  const { codeDir, handler, name, arn, memoryMb, logGroup } = spec;
  return { codeDir, handler, functionName: name, functionArn: arn, memoryMb, logGroup, logStream: 'local/[$LATEST]' };
}

function isInit(message: EnvironmentMessage): message is Extract<EnvironmentMessage, { type: 'ready' | 'init-error' }> {
  return message.type === 'ready' || message.type === 'init-error';
}

async function after(limitMs: number, signal?: AbortSignal): Promise<Ending> {
  try {
    await sleep(limitMs, undefined, { ref: false, ...(signal && { signal }) });
  } catch {
    // Aborted: the race it was part of is over.
  }
  return { type: 'timeout' };
}

function failure(errorType: string, errorMessage: string): ErrorReport {
  return { errorType, errorMessage, trace: [] };
}

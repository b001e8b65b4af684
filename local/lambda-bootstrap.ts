// The program that one execution environment runs: what the Lambda runtime does on AWS, for Node 24. It imports the bundle
// as it stands and answers invocations one at a time. It never sees the variables of the plane's own process: the host
// spawns it with the function's environment and nothing else.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BootstrapArgument, EnvironmentMessage, ErrorReport, InvokeMessage } from '#local/lambda-protocol.ts';
import { endOfOutput } from '#local/lambda-protocol.ts';
import { refuseTheOutside } from '#local/loopback-only.ts';

type Handler = (event: unknown, context: object) => unknown;

const argument = JSON.parse(process.argv[2] ?? '{}') as BootstrapArgument;
const startedMs = performance.now();

// The plane is gone: there is nobody left to answer to.
process.on('disconnect', () => process.exit(0));
refuseTheOutside();

let handler: Handler | undefined;
try {
  handler = await loadHandler();
  tell({ type: 'ready', initMs: performance.now() - startedMs });
} catch (error) {
  tell({ type: 'init-error', error: report(error) });
}
process.on('message', (message) => void invoke(message as InvokeMessage));
process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);

async function loadHandler(): Promise<Handler> {
  const dot = argument.handler.lastIndexOf('.');
  const [module, name] = [argument.handler.slice(0, dot), argument.handler.slice(dot + 1)];
  const file = ['.mjs', '.js', '.cjs']
    .map((extension) => join(argument.codeDir, `${module}${extension}`))
    .find(existsSync);
  if (file === undefined)
    throw runtimeError('Runtime.ImportModuleError', `Cannot find module '${module}' in ${argument.codeDir}`);
  const loaded = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const found = loaded[name] ?? (loaded['default'] as Record<string, unknown> | undefined)?.[name];
  if (typeof found !== 'function')
    throw runtimeError('Runtime.HandlerNotFound', `${argument.handler} is undefined or not exported`);
  // As on AWS since Node 24.
  if (found.length >= 3)
    throw runtimeError(
      'Runtime.CallbackHandlerDeprecated',
      'Callback-based handlers are not supported: return a promise',
    );
  return found as Handler;
}

async function invoke({ requestId, deadlineMs, event }: InvokeMessage): Promise<void> {
  try {
    const result = await handler?.(event, contextOf(requestId, deadlineMs));
    await answer({ type: 'result', requestId, result: toJson(result), maxRssMb: maxRssMb() });
  } catch (error) {
    await answer({ type: 'failure', requestId, error: report(error), maxRssMb: maxRssMb() });
  }
}

function contextOf(requestId: string, deadlineMs: number): object {
  return {
    awsRequestId: requestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName: argument.functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: argument.functionArn,
    memoryLimitInMB: String(argument.memoryMb),
    logGroupName: argument.logGroup,
    logStreamName: argument.logStream,
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  };
}

async function answer(message: Extract<EnvironmentMessage, { requestId: string }>): Promise<void> {
  const end = `\n${endOfOutput(message.requestId)}\n`;
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write(end, done))));
  tell(message);
}

function tell(message: EnvironmentMessage): void {
  process.send?.(message);
}

/** What a function returns travels as JSON; what JSON cannot hold is an error of the function, as on AWS. */
function toJson(result: unknown): unknown {
  return result === undefined ? null : JSON.parse(JSON.stringify(result));
}

function report(error: unknown): ErrorReport {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}

function runtimeError(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

/** An error outside any invocation ends the environment, as on AWS. */
function crash(error: unknown): void {
  process.stderr.write(`${JSON.stringify({ level: 'FATAL', ...report(error) })}\n`, () => process.exit(1));
}

function maxRssMb(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}

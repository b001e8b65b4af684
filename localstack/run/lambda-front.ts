// Where our executor plug-in meets the Lambda host: LocalStack tells of every function that it makes, and hands over every
// invocation. The environment of a function is what CloudFormation made of it, not what the template said.
import { createServer, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import * as z from 'zod';
import { messageOf } from '#local/errors.ts';
import type { InvocationResult } from '#local/lambda-environment.ts';
import type { Lambdas } from '#local/lambda-host.ts';
import { listenOnLoopback, LOOPBACK } from '#local/loopback.ts';
import type { FunctionSpec } from '#local/resources.ts';
import { refuseUnknown } from '../profiles/holes.ts';

export interface LambdaFront {
  readonly url: string;
  /** Functions that LocalStack has made so far. */
  functions(): FunctionSpec[];
  stop(): Promise<void>;
}

interface LambdaFrontOptions {
  readonly lambdas: Lambdas;
  /** The lines that an invocation left, in order; asked once, and then forgotten. */
  readonly linesOf: (requestId: string) => string[];
}

const functionSchema = z.object({
  arn: z.string(),
  handler: z.string(),
  runtime: z.string().regex(/^nodejs/),
  timeoutSeconds: z.number(),
  memoryMb: z.number(),
  codeDir: z.string(),
  variables: z.record(z.string(), z.string()),
  logGroup: z.string().nullish(),
});
const invocationSchema = z.object({ requestId: z.string(), event: z.unknown() });

/** Starts it on any free port of 127.0.0.1. */
export async function startLambdaFront({ lambdas, linesOf }: LambdaFrontOptions): Promise<LambdaFront> {
  const made = new Map<string, FunctionSpec>();
  const put = async (name: string, body: unknown): Promise<object> => {
    const spec = specOf(name, functionSchema.parse(body));
    refuseUnknown(spec.variables, `The function ${name} is given a variable that its runs would trust:`);
    made.set(name, spec);
    await lambdas.add(spec);
    return {};
  };
  const invoke = async (name: string, body: unknown): Promise<object> => {
    const { requestId, event } = invocationSchema.parse(body);
    return answerOf(await lambdas.invoke(name, event, requestId), linesOf(requestId));
  };
  const server = createServer((request, response) => {
    route(request, { put, invoke })
      .then((answer) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer)))
      // Its reason stands in LocalStack's answer to whoever deploys or invokes.
      .catch((error: unknown) => response.writeHead(400, reasonOf(error)).end());
  });
  const port = await listenOnLoopback(server, { what: 'The front of the Lambda host' });
  return {
    url: `http://${LOOPBACK}:${port}`,
    functions: () => [...made.values()],
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The status line, because that is all of a refusal that urllib shows. */
const reasonOf = (error: unknown): string =>
  messageOf(error)
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .slice(0, 500);

type Routes = Record<'put' | 'invoke', (name: string, body: unknown) => Promise<object>>;

async function route(request: IncomingMessage, routes: Routes): Promise<object> {
  const [, kind, name = '', action] = (request.url ?? '').split('/');
  const body = await json(request);
  if (kind === 'functions' && request.method === 'PUT' && action === undefined) return routes.put(name, body);
  if (kind === 'functions' && request.method === 'POST' && action === 'invocations') return routes.invoke(name, body);
  throw new Error(`${request.method} ${request.url} is nothing that the plug-in asks for: run npm run localstack anew`);
}

function specOf(name: string, made: z.infer<typeof functionSchema>): FunctionSpec {
  const { arn, handler, runtime, memoryMb, codeDir, variables } = made;
  return {
    logicalId: name,
    name,
    arn,
    handler,
    runtime,
    timeoutMs: made.timeoutSeconds * 1000,
    memoryMb,
    codeDir,
    variables,
    logGroup: made.logGroup ?? `/aws/lambda/${name}`,
  };
}

const answerOf = ({ error, result }: InvocationResult, lines: string[]): object => ({
  payload: error ?? result ?? null,
  isError: error !== undefined,
  logs: lines.join('\n'),
});

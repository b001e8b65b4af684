// The rest of AWS that entry points name, on one loopback port: EventBridge (PutEvents), Scheduler (GetSchedule,
// ListSchedules), ECS (RunTask, StopTask, DescribeTasks, ListTasks) and its metadata endpoint, connections of the WebSocket
// API, KMS (Sign, Verify, GetPublicKey), Secrets Manager (GetSecretValue), SSM (GetParameter), STS (AssumeRole,
// GetCallerIdentity). Any other call is handed to the emulator where there is one; else it is refused by its name with an
// error in AWS's shape, which a client does not try again: what is not here must be noticed here, not in an account.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { failure, jsonOf, readCall, type Call, type Reply } from '#local/aws-call.ts';
import { askConnections, type Connections } from '#local/connections-api.ts';
import type { EcsApi } from '#local/ecs-api.ts';
import { handOver, type Emulator } from '#local/emulator-api.ts';
import { messageOf } from '#local/errors.ts';
import { askEvents } from '#local/events-api.ts';
import type { EventBuses } from '#local/events.ts';
import { askKms, type Kms } from '#local/kms-api.ts';
import { listenOnLoopback, LOOPBACK } from '#local/loopback.ts';
import type { Emit } from '#local/plane-event.ts';
import type { ScheduleSpec } from '#local/schedule-resources.ts';
import { askSecrets, type SecretsFile } from '#local/secrets-api.ts';
import { askSts, refusal, type Sts } from '#local/sts-api.ts';

export interface AwsApi {
  url: string;
  /** From now on calls are answered from these; before, everything is refused. */
  serve(contents: AwsApiContents): void;
  stop(): Promise<void>;
}

/** Who answers what: a part that is absent is somebody else's, or refused. */
interface AwsApiContents {
  buses?: EventBuses;
  schedules?: () => readonly ScheduleSpec[];
  ecs?: EcsApi;
  /** Of the WebSocket API. */
  connections?: Connections;
  kms?: Kms;
  secrets?: SecretsFile;
  sts?: Sts;
  /** Answers every call that nothing above does. */
  emulator?: Emulator;
}

/** Starts the front on 127.0.0.1. Throws PORT_TAKEN. */
export async function startAwsApi(port: number | undefined, emit: Emit): Promise<AwsApi> {
  let contents: AwsApiContents | undefined;
  const server = createServer((request, response) => {
    answer(request, response, contents).catch((error: unknown) => {
      emit({ type: 'error', where: 'AWS front', message: messageOf(error) });
      response.destroy();
    });
  });
  const listening = await listenOnLoopback(server, { what: 'The AWS front', port });
  return {
    url: `http://${LOOPBACK}:${listening}`,
    serve: (given) => void (contents = given),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  contents: AwsApiContents | undefined,
): Promise<void> {
  const call = await readCall(request);
  const own = contents && handle(call, contents);
  if (!own && contents?.emulator) return handOver(call, response, contents.emulator);
  write(response, own ?? refused(call));
}

function write(response: ServerResponse, { status, body, contentType, error }: Reply): void {
  response.writeHead(status, {
    'content-type': contentType ?? 'application/x-amz-json-1.1',
    'x-amzn-requestid': randomUUID(),
    ...(error !== undefined && { 'x-amzn-errortype': error }),
  });
  if (body === undefined) response.end();
  else response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** The first that knows the call answers it. */
function handle(call: Call, contents: AwsApiContents): Reply | undefined {
  return askOwn(call, contents) ?? askStores(call, contents) ?? askEvents(call, contents);
}

function askOwn(call: Call, { connections, ecs }: AwsApiContents): Reply | undefined {
  return (connections && askConnections(call, connections)) ?? (ecs && askEcs(call, ecs));
}

function askStores(call: Call, { kms, secrets, sts }: AwsApiContents): Reply | undefined {
  return (kms && askKms(call, kms)) ?? (secrets && askSecrets(call, secrets)) ?? (sts && askSts(call, sts));
}

const ecsTarget = 'AmazonEC2ContainerServiceV20141113.';

function askEcs({ method, url, target, body }: Call, ecs: EcsApi): Reply | undefined {
  if (method === 'GET') {
    const page = ecs.metadata(url.pathname);
    return page && { status: 200, body: page };
  }
  if (!target.startsWith(ecsTarget)) return undefined;
  const answer = ecs.call(target.slice(ecsTarget.length), jsonOf(body));
  if (!answer || 'body' in answer) return answer && { status: 200, body: answer.body };
  const { error, ...rest } = answer;
  return { status: 400, error, body: { __type: error, ...rest } };
}

function refused(call: Call): Reply {
  const asked = new URLSearchParams(call.body).get('Action');
  const action = call.target || asked || `${call.method} ${call.url.pathname}`;
  const message = `${call.service}: ${action} is not part of the local plane. Nothing was sent to AWS. Teach local/aws-api.ts, or do without it locally.`;
  return (call.target === '' && asked !== null ? refusal : failure)(400, 'NotPartOfLocalPlane', message);
}

// The rest of AWS that entry points name, on one loopback port: EventBridge (PutEvents), Scheduler (GetSchedule,
// ListSchedules), ECS (RunTask, StopTask, DescribeTasks, ListTasks) and its metadata endpoint. Any other call is handed to the emulator where there is one; else it is refused by its name with an error
// in AWS's shape, which a client does not try again: what is not here must be noticed here, not in an account.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { handOver, type Emulator } from '#local/emulator-api.ts';
import type { EcsApi } from '#local/ecs-api.ts';
import { messageOf } from '#local/errors.ts';
import type { EventBuses } from '#local/events.ts';
import { listenOnLoopback, LOOPBACK } from '#local/loopback.ts';
import type { Emit } from '#local/plane-event.ts';
import type { ScheduleSpec } from '#local/schedule-resources.ts';

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
  /** Answers every call that nothing above does. */
  emulator?: Emulator;
}

interface Reply {
  status: number;
  body: unknown;
  /** The literal code of an error. */
  error?: string;
}

interface Call {
  method: string;
  url: URL;
  /** `X-Amz-Target`, which names the operation in the JSON protocols. */
  target: string;
  body: string;
  /** Headers as they came, for whom the call is handed to. */
  headers: IncomingHttpHeaders;
  /** The service that the request is signed for. */
  service: string;
}

const putEventsSchema = z.object({
  Entries: z.array(
    z.object({
      EventBusName: z.string().optional(),
      Source: z.string().optional(),
      DetailType: z.string().optional(),
      Detail: z.string().optional(),
    }),
  ),
});

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
  const { status, body, error } = own ?? refused(call);
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.1',
    ...(error && { 'x-amzn-errortype': error }),
  });
  response.end(JSON.stringify(body));
}

async function readCall(request: IncomingMessage): Promise<Call> {
  const credential = /Credential=[^/]+\/[^/]+\/[^/]+\/([^/]+)\//.exec(request.headers.authorization ?? '');
  return {
    method: request.method ?? 'GET',
    url: new URL(request.url ?? '/', `http://${LOOPBACK}`),
    target: String(request.headers['x-amz-target'] ?? ''),
    body: await text(request),
    headers: request.headers,
    service: credential?.[1] ?? 'unsigned',
  };
}

function handle(call: Call, contents: AwsApiContents): Reply | undefined {
  return (contents.ecs && askEcs(call, contents.ecs)) ?? askEvents(call, contents);
}

function askEvents(call: Call, { buses, schedules }: AwsApiContents): Reply | undefined {
  if (buses && call.target === 'AWSEvents.PutEvents') return putEvents(call.body, buses);
  if (!schedules || call.service !== 'scheduler' || call.method !== 'GET') return undefined;
  if (call.url.pathname === '/schedules') return listSchedules(call.url.searchParams, schedules());
  const [, name] = /^\/schedules\/([^/]+)$/.exec(call.url.pathname) ?? [];
  return name === undefined ? undefined : getSchedule(decodeURIComponent(name), call.url.searchParams, schedules());
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

function putEvents(body: string, buses: EventBuses): Reply {
  const parsed = putEventsSchema.safeParse(jsonOf(body));
  if (!parsed.success)
    return failure(
      400,
      'SerializationException',
      `PutEvents takes { Entries: [...] }: ${parsed.error.issues[0]?.message}`,
    );
  const results = buses.put(parsed.data.Entries);
  const failed = results.filter((result) => 'ErrorCode' in result).length;
  return { status: 200, body: { FailedEntryCount: failed, Entries: results } };
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // The schema refuses it with a reason.
    return undefined;
  }
}

function listSchedules(query: URLSearchParams, schedules: readonly ScheduleSpec[]): Reply {
  const [group, prefix, state] = ['ScheduleGroup', 'NamePrefix', 'State'].map((name) => query.get(name));
  const found = schedules.filter(
    (spec) =>
      (group === null || spec.group === group) &&
      spec.name.startsWith(prefix ?? '') &&
      (state === null || stateOf(spec) === state),
  );
  const rows = found.map((spec) => ({
    Arn: spec.arn,
    GroupName: spec.group,
    Name: spec.name,
    State: stateOf(spec),
    Target: { Arn: spec.target.queue.arn },
  }));
  return { status: 200, body: { Schedules: rows } };
}

function getSchedule(name: string, query: URLSearchParams, schedules: readonly ScheduleSpec[]): Reply {
  const group = query.get('groupName') ?? 'default';
  const spec = schedules.find((one) => one.name === name && one.group === group);
  if (!spec) return failure(404, 'ResourceNotFoundException', `Schedule ${name} does not exist in group ${group}.`);
  const { target } = spec;
  const window =
    spec.windowMs === 0 ? { Mode: 'OFF' } : { Mode: 'FLEXIBLE', MaximumWindowInMinutes: spec.windowMs / 60_000 };
  const body = {
    Arn: spec.arn,
    GroupName: spec.group,
    Name: spec.name,
    ScheduleExpression: spec.expression,
    ScheduleExpressionTimezone: spec.timeZone,
    State: stateOf(spec),
    FlexibleTimeWindow: window,
    ...(spec.startMs !== undefined && { StartDate: spec.startMs / 1000 }),
    ...(spec.endMs !== undefined && { EndDate: spec.endMs / 1000 }),
    Target: {
      Arn: target.queue.arn,
      RoleArn: target.roleArn,
      Input: target.input,
      RetryPolicy: {
        MaximumRetryAttempts: target.maximumRetryAttempts,
        MaximumEventAgeInSeconds: target.maximumEventAgeMs / 1000,
      },
      ...(target.deadLetterQueue && { DeadLetterConfig: { Arn: target.deadLetterQueue.arn } }),
      ...(target.messageGroupId !== undefined && { SqsParameters: { MessageGroupId: target.messageGroupId } }),
    },
  };
  return { status: 200, body };
}

function stateOf(spec: ScheduleSpec): 'ENABLED' | 'DISABLED' {
  return spec.enabled ? 'ENABLED' : 'DISABLED';
}

function refused(call: Call): Reply {
  const action = call.target || new URLSearchParams(call.body).get('Action') || `${call.method} ${call.url.pathname}`;
  const message = `${call.service}: ${action} is not part of the local plane. Nothing was sent to AWS. Teach local/aws-api.ts, or do without it locally.`;
  return failure(400, 'NotPartOfLocalPlane', message);
}

function failure(status: number, code: string, message: string): Reply {
  return { status, error: code, body: { __type: code, message } };
}

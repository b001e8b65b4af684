import { bucketOf, type Plane } from '#local/plane.ts';
import type { PlaneEvent } from '#local/plane-event.ts';

export interface Watcher {
  readonly onEvent: (event: PlaneEvent) => void;
  readonly onReady: (plane: Plane) => void;
  readonly onStopping: () => void;
}

interface Counts {
  ticks: number;
  invocations: number;
  failures: number;
  deadLetters: number;
}

const everyMs = 1000;
/** Where nobody redraws a screen, a line a minute says that it still runs. */
const quietEveryMs = 60_000;

/** What happens on the plane, in a few lines that are drawn anew each second; on what is no terminal, a line a minute. */
export function liveSummary(stream: NodeJS.WriteStream): Watcher {
  const counts: Counts = { ticks: 0, invocations: 0, failures: 0, deadLetters: 0 };
  let timer: NodeJS.Timeout | undefined;
  let drawn = 0;
  const say = (text: string) => {
    stream.write(`${clearLines(drawn)}${text}\n`);
    drawn = 0;
  };
  const draw = (plane: Plane) => {
    const lines = stateLines(plane, counts);
    stream.write(`${clearLines(drawn)}${lines.join('\n')}\n`);
    drawn = stream.isTTY ? lines.length : 0;
  };
  return {
    onEvent(event) {
      count(counts, event);
      const text = notable(event);
      if (text !== undefined) say(`${new Date(event.atMs).toISOString().slice(11, 19)}  ${text}`);
    },
    onReady(plane) {
      stream.write(`${welcome(plane)}\n\n`);
      draw(plane);
      timer = setInterval(() => draw(plane), stream.isTTY ? everyMs : quietEveryMs);
    },
    onStopping() {
      clearInterval(timer);
      say('Stopping: every child process is ended ...');
    },
  };
}

/** Moves the cursor up over what was drawn last and clears it; nothing on a stream that is no terminal. */
const clearLines = (lines: number): string => (lines === 0 ? '' : `\u001b[${lines}A\u001b[0J`);

function count(counts: Counts, event: PlaneEvent): void {
  if (event.type === 'tick') counts.ticks += 1;
  if (event.type === 'invocation-ended') counts.invocations += 1;
  if (event.type === 'invocation-ended' && event.outcome !== 'success') counts.failures += 1;
  if (event.type === 'dead-letter') counts.deadLetters += 1;
}

/** What a person should not have to look for. */
function notable(event: PlaneEvent): string | undefined {
  switch (event.type) {
    case 'invocation-ended':
      return event.outcome === 'success' ? undefined : `${event.function}: ${event.outcome}: ${event.message ?? ''}`;
    case 'dead-letter':
      return `dead letter on ${event.queue}: ${event.body.slice(0, 120)}`;
    case 'tick-failed':
      return `tick of ${event.schedule} could not be delivered: ${event.message}`;
    case 'bus-event':
      return event.detailType.startsWith('Halt') ? `${event.detailType} ${JSON.stringify(event.detail)}` : undefined;
    case 'error':
      return `${event.where}: ${event.message}`;
    default:
      return undefined;
  }
}

function welcome(plane: Plane): string {
  const { endpoints, resources } = plane;
  const bucket = bucketOf(plane);
  return [
    `The plane is up: ${resources.functions.length} functions, ${resources.queues.length} queues, ${resources.schedules.length} schedules. Ctrl-C ends it.`,
    '',
    `  gateway      ${endpoints.gateway}   /docs describes it; in another terminal: npx alphaswarm status`,
    `  sockets      ${endpoints.sockets}`,
    `  issuers      ${endpoints.issuers.join(', ')}`,
    `  SQS          ${endpoints.sqs}`,
    `  S3           ${endpoints.s3}   bucket ${bucket}`,
    `  DynamoDB     ${endpoints.dynamodb}`,
    `  Valkey       ${endpoints.redis}   SET alphaswarm:kill_switch 1 halts everything`,
    `  rest of AWS  ${endpoints.aws}`,
    `  status page  ${endpoints.s3}/${bucket}/status/index.html   (from the second minute on)`,
  ].join('\n');
}

function stateLines(plane: Plane, counts: Counts): string[] {
  const depths = Object.entries(plane.queueDepths()).filter(
    ([, depth]) => depth.visible + depth.inFlight + depth.delayed > 0,
  );
  const busy = plane.lambdas.environments();
  return [
    `${new Date(plane.clock.now()).toISOString().slice(0, 19)}Z  ticks ${counts.ticks}  invocations ${counts.invocations}  failed ${counts.failures}  dead letters ${counts.deadLetters}`,
    `environments ${busy.length} (${busy.filter((one) => one.busy).length} at work)`,
    ...depths.map(
      ([name, depth]) => `  ${name}: ${depth.visible} waiting, ${depth.inFlight} in flight, ${depth.delayed} delayed`,
    ),
  ];
}

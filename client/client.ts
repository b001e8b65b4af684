// The gateway, as a program has it: one method a route, its answer parsed by the gateway's own schemas.
import { positionText } from '#core/frame-order.ts';
import { done, retried, runDetail, runPage, started } from '#gateway/schemas/run.ts';
import { scheduleChanged, scheduleDetail, scheduleList } from '#gateway/schemas/schedule.ts';
import { deadLetters, queueList, redriven } from '#gateway/schemas/queue.ts';
import { catalogue, health, me, readiness } from '#gateway/schemas/about.ts';
import { auditPage, auditReport } from '#gateway/schemas/audit.ts';
import { engaged, halt, haltHistory, released } from '#gateway/schemas/halt.ts';
import { events, uploadLink } from './answers.ts';
import { asker, type Asker } from './ask.ts';
import { framesOf, socketFeed } from './feed.ts';
import { getFile, putFile } from './files.ts';
import { follow, type FollowOptions, type FollowSource } from './follow.ts';
import { checkedBase, transport, type TransportOptions } from './transport.ts';
import type { AuditFilter, AuditRange, Narrowed, Page, RunFilter, StartRequest } from './requests.ts';

export interface ClientOptions extends TransportOptions {
  /** Of the WebSocket API; without it runs are followed by the long poll. */
  readonly socketsUrl?: string | undefined;
}

export type { Frame } from '#core/progress.ts';
export type Client = ReturnType<typeof createClient>;
/** A POST that is repeated under the same key is done once. */
interface Keyed {
  readonly idempotencyKey?: string | undefined;
}

/** @throws SettingsError for addresses that a token may not be sent to. */
export function createClient(options: ClientOptions) {
  const ask = asker(transport(options));
  const socketsUrl = options.socketsUrl === undefined ? undefined : checkedBase(options.socketsUrl);
  const runs = runsOf(ask);
  const token = () => options.token({ stepUp: false });
  const source: FollowSource<Awaited<ReturnType<typeof runs.run>>> = {
    ...runs,
    socket: socketsUrl === undefined ? undefined : (runId) => socketFeed({ url: socketsUrl, token, runId }),
  };
  return {
    ...runs,
    ...schedulesOf(ask),
    ...queuesOf(ask),
    ...switchOf(ask),
    ...auditOf(ask),
    ...aboutOf(ask),
    /** Every frame of a run once and in order, until it has ended. */
    follow: (id: string, how: FollowOptions = {}) => follow(source, id, how),
  };
}

/** Beyond the wait that was asked for. */
const answersWithinSeconds = 10;

const runsOf = (ask: Asker) => ({
  start: ({ idempotencyKey, ...body }: StartRequest) => ask('startRun', started, { body, idempotencyKey }),
  list: (filter: RunFilter = {}) => ask('listRuns', runPage, { query: { ...filter } }),
  run: (id: string) => ask('getRun', runDetail, { params: { id } }),
  events: async (id: string, { after, waitSeconds, signal }: Parameters<FollowSource<never>['events']>[1]) => {
    const query = { after: positionText(after), wait: waitSeconds };
    // It answers when there is news, or when this time is over.
    const leastTimeoutMs = (waitSeconds + answersWithinSeconds) * 1000;
    const { frames, gap } = await ask('followRun', events, { params: { id }, query, signal, leastTimeoutMs });
    return { frames: framesOf(frames), ...(gap ? { oldest: gap.oldest } : {}) };
  },
  cancel: (id: string, reason: string, { idempotencyKey }: Keyed = {}) =>
    ask('cancelRun', done, { params: { id }, body: { reason }, idempotencyKey }),
  retry: (id: string, reason: string, { idempotencyKey }: Keyed = {}) =>
    ask('retryRun', done, { params: { id }, body: { reason }, idempotencyKey }),
  retryMany: (ids: readonly string[], reason: string, { idempotencyKey }: Keyed = {}) =>
    ask('retryRuns', retried, { body: { ids, reason }, idempotencyKey }),
  /** Lays bytes into the inbox of the tenant, where tasks find them under `path`. */
  upload: async (path: string, bytes: Uint8Array<ArrayBuffer>, contentType: string) => {
    const link = await ask('openUpload', uploadLink, { body: { path, contentType, sizeBytes: bytes.length } });
    await putFile(link, bytes);
    return { path: link.path };
  },
  /** What a link of a run's artefacts leads to. */
  download: getFile,
});

const schedulesOf = (ask: Asker) => ({
  schedules: async () => (await ask('listSchedules', scheduleList)).schedules,
  schedule: (key: string) => ask('getSchedule', scheduleDetail, { params: { key } }),
  pause: (key: string, reason: string) => ask('pauseSchedule', scheduleChanged, { params: { key }, body: { reason } }),
  resume: (key: string, reason: string) =>
    ask('resumeSchedule', scheduleChanged, { params: { key }, body: { reason } }),
  trigger: (key: string, reason: string, { idempotencyKey }: Keyed = {}) =>
    ask('triggerSchedule', started, { params: { key }, body: { reason }, idempotencyKey }),
});

const queuesOf = (ask: Asker) => ({
  queues: async () => (await ask('listQueues', queueList)).queues,
  deadLetters: (queue: string) => ask('listDeadLetters', deadLetters, { params: { queue } }),
  /** All letters of the queue when none are named. */
  redrive: (queue: string, reason: string, ids?: readonly string[]) =>
    ask('redriveQueue', redriven, {
      params: { queue },
      body: ids ? { ids, reason } : { all: true, reason },
      bulk: ids === undefined,
    }),
});

const switchOf = (ask: Asker) => ({
  halted: () => ask('getHalt', halt),
  haltHistory: (query: Page = {}) => ask('haltHistory', haltHistory, { query: { ...query } }),
  halt: (reason: string, narrowed: Narrowed = {}) => ask('engageHalt', engaged, { body: { reason, ...narrowed } }),
  /** Ends the halt of this epoch; one that was engaged later nobody has looked at yet. */
  release: (
    reason: string,
    which: Narrowed & { readonly epoch?: number | undefined; readonly at?: string | undefined },
  ) => ask('releaseHalt', released, { body: { reason, ...which } }),
});

const auditOf = (ask: Asker) => ({
  audit: (query: AuditFilter = {}) => ask('listAudit', auditPage, { query: { ...query } }),
  /** One answer's worth of the range; where it says `nextHour`, the rest begins there. */
  verifyAudit: (query: AuditRange = {}) => ask('verifyAudit', auditReport, { query: { ...query } }),
});

const aboutOf = (ask: Asker) => ({
  health: () => ask('healthz', health),
  readiness: () => ask('readyz', readiness, { accepts: ({ body }) => readiness.safeParse(body).success }),
  me: () => ask('whoAmI', me),
  catalogue: () => ask('showCatalogue', catalogue),
});

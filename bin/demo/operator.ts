// What a person does with the plane, by the gateway alone: the very client that the command line has, with tokens of the
// plane's issuers.
import { createClient, type Client, type Frame } from '#client/client.ts';
import { localToken } from '#local/identity/token.ts';
import { bucketOf, type Plane } from '#local/plane.ts';
import { stop } from './checks.ts';

export type Run = Awaited<ReturnType<Client['run']>>;
export type ScheduledRun = Awaited<ReturnType<Client['list']>>['runs'][number];
type State = Run['state'];

export interface Operator {
  upload(key: string, bytes: Uint8Array<ArrayBuffer>, contentType: string): Promise<void>;
  request(request: { readonly task: string; readonly payload: unknown }): Promise<{ readonly id: string }>;
  run(id: string): Promise<Run>;
  /** Each frame of the run as it comes, over a WebSocket, until the run has ended. */
  frames(id: string, signal?: AbortSignal): AsyncIterable<Frame>;
  /** Every run that a schedule has started on the days between two instants, oldest first. */
  scheduledRuns(fromMs: number, toMs: number): Promise<ScheduledRun[]>;
  /** Waits until the run is in one of `states`; throws after `withinMs` of wall time. */
  until(id: string, states: readonly State[], withinMs?: number): Promise<Run>;
  /** The bytes of one of the artefacts of a run, by its key. */
  artefact(run: Run, key: string): Promise<Uint8Array>;
  /** A file of the status page, from where a browser has it. */
  statusFile(name: string): Promise<Uint8Array>;
  halt(reason: string): Promise<{ readonly epoch: number; readonly key: string | undefined }>;
  release(reason: string): Promise<{ readonly state: string }>;
  /** Whether every row of the audit is as it was written, and what people did, oldest first. */
  audited(): Promise<Audited>;
}

export interface Audited {
  readonly intact: boolean;
  readonly rows: number;
  readonly chains: number;
  readonly operations: readonly {
    readonly at: string;
    readonly did: string;
    readonly subject: string;
    readonly by: string;
  }[];
}

const lookEveryMs = 100;
/** So long an access token of the plane's issuers is used again; they last for an hour. */
const tokenKeptMs = 240_000;

/** An operator of this plane, in the name of `user`. */
export function operatorOf(plane: Plane, user: string): Operator {
  const { gateway, sockets, s3 } = plane.endpoints;
  const client = createClient({ baseUrl: gateway, socketsUrl: sockets, token: tokensOf(plane, user) });
  const run: Operator['run'] = (id) => client.run(id);
  return {
    run,
    upload: async (key, bytes, contentType) => void (await client.upload(key, bytes, contentType)),
    request: async (request) => (await client.start(request)).run,
    async *frames(id, signal) {
      for await (const told of client.follow(id, { signal })) if (told.type === 'frame') yield told.frame;
    },
    scheduledRuns: (fromMs, toMs) => scheduledRuns(client, fromMs, toMs),
    until: (id, states, withinMs = 30_000) => untilState(run, { id, states, withinMs }),
    async artefact({ id, artefacts }, key) {
      // Links last for five minutes, so that of a run that was looked at long ago a new look has newer ones.
      const fresh =
        artefacts.find((one) => one.key === key) ?? (await run(id)).artefacts.find((one) => one.key === key);
      if (fresh) return client.download(fresh.href);
      throw stop(`the run ${id} has no artefact ${key}`);
    },
    statusFile: (name) => client.download(`${s3}/${bucketOf(plane)}/status/${name}`),
    async halt(reason) {
      const { key, halt } = await client.halt(reason);
      return { epoch: halt.epoch ?? 0, key };
    },
    async release(reason) {
      const { epoch } = await client.halted();
      const { halt } = await client.release(reason, { epoch });
      return { state: halt.state };
    },
    audited: () => audited(client),
  };
}

function tokensOf({ endpoints: { issuers } }: Plane, user: string) {
  const kept = new Map<boolean, { token: Promise<string>; atMs: number }>();
  return ({ stepUp }: { stepUp: boolean }): Promise<string> => {
    const known = kept.get(stepUp);
    if (known && performance.now() - known.atMs < tokenKeptMs) return known.token;
    const token = localToken({ issuer: issuers[0] ?? '', user, role: 'operator', acr: stepUp ? 'high' : 'low' });
    kept.set(stepUp, { token, atMs: performance.now() });
    return token;
  };
}

async function scheduledRuns(client: Client, fromMs: number, toMs: number): Promise<ScheduledRun[]> {
  const found: ScheduledRun[] = [];
  for (let day = dayOf(fromMs); day <= dayOf(toMs); day = dayOf(Date.parse(day) + 86_400_000)) {
    let cursor: string | undefined;
    do {
      const more = cursor === undefined ? {} : { cursor };
      const page = await client.list({ tenant: 'system', kind: 'system', day, limit: 100, ...more });
      found.push(...page.runs);
      ({ cursor } = page);
    } while (cursor !== undefined);
  }
  return found.toReversed();
}
const dayOf = (instantMs: number): string => new Date(instantMs).toISOString().slice(0, 10);

async function untilState(
  run: Operator['run'],
  { id, states, withinMs }: { id: string; states: readonly State[]; withinMs: number },
): Promise<Run> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const found = await run(id);
    if (states.includes(found.state)) return found;
    if (performance.now() > endMs) {
      throw stop(`the run ${id} is ${found.state} after ${withinMs / 1000} s, and not ${states.join(' or ')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

async function audited(client: Client): Promise<Audited> {
  const [{ intact, rows, chains }, page] = await Promise.all([client.verifyAudit(), client.audit({ limit: 100 })]);
  const done = page.rows.filter(({ effect, outcome }) => effect.startsWith('operation.') && outcome === 'done');
  const operations = done.map(({ at, effect, subject, actor }) => ({
    at,
    did: effect.replace('operation.', ''),
    subject,
    by: actor.id,
  }));
  return { intact, rows, chains, operations: operations.toReversed() };
}

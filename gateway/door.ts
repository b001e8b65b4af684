/** How every request is answered: who asks, whether they may, how often, what exactly, and only then the operation. */
import type { RouteRow } from '#core/catalogue/routes.ts';
import type { Caller } from './caller.ts';
import { tagsOf } from './etag.ts';
import { authorise } from './identity/authorise.ts';
import { requireStepUp } from './identity/step-up.ts';
import { once } from './idempotency.ts';
import { readJson } from './json-body.ts';
import type { Ask, Operation, Reply, Setting } from './operation.ts';
import { parsed } from './parse.ts';
import type { Rates } from './ports.ts';
import { Problem } from './problem.ts';

/** An operation at its place. */
export interface Mounted {
  /** Its operation's id: a name of the table of routes, or `start` and a task's name. */
  readonly name: string;
  readonly row: RouteRow;
  readonly operation: Operation;
}

/** A request as the framework has it. */
export interface Incoming {
  readonly request: Request;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, readonly string[]>>;
  readonly from: string;
}

/** Of routes for everybody nobody is asked who they are, and nothing is shown that is anybody's. */
const nobody: Caller = { actor: { kind: 'human', id: 'nobody' }, tenant: '', roles: [], issuer: '', expiresAtMs: 0 };

/** What the operation answers. @throws Problem, Failure */
export async function answered(setting: Setting, mounted: Mounted, incoming: Incoming): Promise<Reply> {
  const { row } = mounted;
  const caller = await admitted(setting, row, incoming);
  const ask = await askOf(mounted, incoming, caller);
  if (isBulk(mounted, ask)) requireStepUp(caller, setting.options.realNowMs());
  const path = new URL(incoming.request.url).pathname;
  return perform(setting, mounted, { ...ask, path });
}

/** Who asks, once it is clear that they may. @throws Problem */
export async function admitted(
  setting: Setting,
  row: RouteRow,
  { request, from }: Pick<Incoming, 'request' | 'from'>,
): Promise<Caller> {
  if (row.roles === 'anyone') return nobody;
  const caller = await setting.options.identity.caller(request.headers.get('authorization') ?? undefined, from);
  await allowed(setting, row, caller);
  return caller;
}

/** @throws Problem RATE_LIMITED, ROLE_INSUFFICIENT, STEP_UP_REQUIRED */
export async function allowed(setting: Setting, row: RouteRow, caller: Caller): Promise<void> {
  await count(setting, row, caller);
  authorise(caller, row);
  if (row.stepUp === 'always') requireStepUp(caller, setting.options.realNowMs());
}

const defaultRates: Rates = { reads: { perSecond: 50, burst: 100 }, writes: { perSecond: 20, burst: 40 } };

/**
 * Each caller has a share of reads and one of writes. Where it cannot be counted (Redis is away) reads go on, and so do
 * operators and whoever halts or cancels: what stops things must be possible always. Others must wait. A message to /mcp
 * is a read; the tool that it calls is counted besides, as the route that it stands for.
 */
async function count({ ports, options }: Setting, row: RouteRow, { actor, tenant, roles }: Caller): Promise<void> {
  const kind = row.method === 'GET' || row.door === 'mcp' ? 'reads' : 'writes';
  const goesOn = kind === 'reads' || row.door === 'halt' || roles.includes('operator');
  const limit = (options.rates ?? defaultRates)[kind];
  let waitMs = 0;
  try {
    ({ waitMs } = await ports.rate.take(`${kind}/${tenant}/${actor.id}`, limit));
  } catch (cause) {
    if (!goesOn) throw cause;
  }
  if (waitMs <= 0) return;
  throw new Problem('RATE_LIMITED', `${actor.id} asks too often: ${limit.perSecond} ${kind} a second are the share`, {
    headers: { 'retry-after': String(Math.ceil(waitMs / 1000)) },
  });
}

async function askOf({ operation, row }: Mounted, incoming: Incoming, caller: Caller): Promise<Ask> {
  const { params, query, body } = operation;
  const { headers } = incoming.request;
  const json = row.method === 'POST' ? await readJson(incoming.request) : undefined;
  return {
    caller,
    from: incoming.from,
    signal: incoming.request.signal,
    params: params && parsed(params, incoming.params, 'path'),
    query: parsedQuery(query, incoming.query),
    body: body && parsed(body, json === undefined && operation.bodyIsOptional ? {} : json, 'body'),
    ...(row.method === 'POST' ? headed(headers, operation) : {}),
  };
}

function parsedQuery(schema: Operation['query'], query: Incoming['query']): unknown {
  // Said twice it is a list, which no parameter of ours is.
  const once = Object.fromEntries(
    Object.entries(query).map(([key, [one, ...more]]) => [key, more.length > 0 ? [one, ...more] : one]),
  );
  if (schema) return parsed(schema, once, 'query');
  const [unknown] = Object.keys(once);
  if (unknown === undefined) return undefined;
  const issues = [{ path: `query.${unknown.slice(0, 64)}`, message: 'is not known here' }];
  throw new Problem(
    'REQUEST_INVALID',
    `there are no parameters here: leave ${JSON.stringify(unknown.slice(0, 64))} out`,
    { issues },
  );
}

/** As `enqueue` takes it: it becomes part of an id. */
export const keyPattern = /^(?!\.)[\w.:@-]{1,64}$/;

function headed(headers: Headers, { ifMatch: takesIfMatch }: Operation): Pick<Ask, 'idempotencyKey' | 'ifMatch'> {
  const idempotencyKey = headers.get('idempotency-key') ?? undefined;
  const ifMatch = headers.get('if-match') ?? undefined;
  if (idempotencyKey !== undefined && !keyPattern.test(idempotencyKey)) {
    throw new Problem('REQUEST_INVALID', 'the Idempotency-Key is not 1 to 64 letters, digits, or . _ : @ -', {
      issues: [{ path: 'header.idempotency-key', message: 'is not 1 to 64 letters, digits, or . _ : @ -' }],
    });
  }
  if (ifMatch === undefined || takesIfMatch === undefined)
    return idempotencyKey === undefined ? {} : { idempotencyKey };
  tagsOf(ifMatch);
  return { ...(idempotencyKey === undefined ? {} : { idempotencyKey }), ifMatch };
}

const isBulk = ({ row, operation }: Mounted, { body }: Ask): boolean =>
  row.stepUp === 'bulk' && (operation.isBulk?.(body) ?? true);

function perform(setting: Setting, { row, operation }: Mounted, ask: Ask & { readonly path: string }): Promise<Reply> {
  const act = () => operation.handle(setting, ask);
  const { idempotencyKey: key, caller, path, query, body } = ask;
  if (row.method !== 'POST' || key === undefined) return act();
  return once(
    setting.ports,
    {
      key,
      method: row.method,
      path,
      tenant: caller.tenant,
      actor: caller.actor.id,
      asked: JSON.stringify([query, body, ask.ifMatch]),
      storesAnswer: operation.answersAreSecret !== true,
    },
    act,
  );
}

/**
 * The same POST twice is one: by the header Idempotency-Key, for a day.
 *
 * A record in the control table holds the fingerprint of the request and, once it has succeeded, its answer, which a
 * repetition is given again. What failed is not kept: it had no effect, and the repetition may fare better. A process
 * that died in between leaves the record begun; after half a minute, longer than any invocation lasts, whoever comes next
 * takes it over, and what is done then is repeatable in itself (a run's id follows from the key).
 */
import * as z from 'zod';
import type { Control } from '#core/ports.ts';
import type { Ids } from '#core/ids.ts';
import type { Clock } from '#core/ports.ts';
import type { Reply } from './operation.ts';
import { Problem } from './problem.ts';

const keptMs = 86_400_000;
/** API Gateway gives an answer up after 30 s. */
const abandonedMs = 35_000;
/** Beyond this DynamoDB would not take the record. */
const mostStoredBytes = 200_000;

const storedSchema = z.object({
  fingerprint: z.string(),
  atMs: z.number(),
  state: z.enum(['begun', 'free', 'done']),
  reply: z.object({ body: z.unknown(), headers: z.record(z.string(), z.string()) }).optional(),
});
type Stored = z.infer<typeof storedSchema>;

export interface Keyed {
  readonly key: string;
  readonly method: string;
  readonly path: string;
  readonly tenant: string;
  readonly actor: string;
  /** What was asked, as text. */
  readonly asked: string;
  /** Whether its answer may be written down. */
  readonly storesAnswer: boolean;
}
interface Ports {
  readonly control: Control;
  readonly ids: Ids;
  readonly clock: Clock;
}

/** The answer to a POST with a key: that of `act`, or the one that was given before. */
export async function once(ports: Ports, keyed: Keyed, act: () => Promise<Reply>): Promise<Reply> {
  const fingerprint = await sha256(keyed.asked);
  const name = `idem#${await sha256(JSON.stringify([keyed.tenant, keyed.actor, keyed.method, keyed.path, keyed.key]))}`;
  const claim = await begin(ports, { name, fingerprint, key: keyed.key });
  if ('reply' in claim) return claim.reply;
  const end = (change: Pick<Stored, 'state' | 'reply'>) =>
    write(ports, name, { record: { fingerprint, atMs: ports.clock.nowMs(), ...change }, rev: claim.rev });
  let reply: Reply;
  try {
    reply = await act();
  } catch (failed) {
    await Promise.allSettled([end({ state: 'free' })]);
    throw failed;
  }
  const stored = { body: reply.body, headers: { ...reply.headers } };
  const keep = keyed.storesAnswer && JSON.stringify(stored).length <= mostStoredBytes;
  // It is done: that its answer could not be kept is no reason not to give it.
  await Promise.allSettled([end(keep ? { state: 'done', reply: stored } : { state: 'free' })]);
  return reply;
}

interface Wanted {
  readonly name: string;
  readonly fingerprint: string;
  readonly key: string;
}

/** Takes the record, or finds the answer. @throws Problem IDEMPOTENCY_KEY_REUSED, IN_PROGRESS */
async function begin(ports: Ports, wanted: Wanted): Promise<{ rev: number } | { reply: Reply }> {
  const { name, fingerprint } = wanted;
  const nowMs = ports.clock.nowMs();
  const found = await ports.control.read(name);
  const given = answerBefore(wanted, found && freshOf(found.value, nowMs), nowMs);
  if (given) return { reply: given };
  const rev = found?.rev ?? 0;
  if (await write(ports, name, { record: { fingerprint, atMs: nowMs, state: 'begun' }, rev })) return { rev: rev + 1 };
  throw inProgress(wanted.key);
}

function answerBefore({ key, fingerprint }: Wanted, stored: Stored | undefined, nowMs: number): Reply | undefined {
  if (!stored) return undefined;
  if (stored.fingerprint !== fingerprint) throw reused(key);
  if (stored.state === 'done' && stored.reply) return replayed(stored.reply);
  if (stored.state === 'begun' && nowMs - stored.atMs < abandonedMs) throw inProgress(key);
  return undefined;
}

/** DynamoDB removes what has expired some time later, not at once. */
function freshOf(value: unknown, nowMs: number): Stored | undefined {
  const stored = storedSchema.safeParse(value).data;
  return stored && nowMs - stored.atMs < keptMs ? stored : undefined;
}

async function write(ports: Ports, name: string, { record, rev }: { record: Stored; rev: number }): Promise<boolean> {
  const expiresAtMs = ports.clock.nowMs() + keptMs;
  return (await ports.control.write(name, record, rev, { expiresAtMs })) === 'written';
}

const replayed = ({ body, headers }: NonNullable<Stored['reply']>): Reply => ({
  body,
  headers: { ...headers, 'idempotency-replayed': 'true' },
});

const reused = (key: string): Problem =>
  new Problem(
    'IDEMPOTENCY_KEY_REUSED',
    `the Idempotency-Key ${JSON.stringify(key)} came before with another request: use a new key for a new request`,
  );
const inProgress = (key: string): Problem =>
  new Problem('IN_PROGRESS', `the request with Idempotency-Key ${JSON.stringify(key)} is being worked on: ask again`, {
    headers: { 'retry-after': '2' },
  });

async function sha256(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

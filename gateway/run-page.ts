import * as z from 'zod';
import { limits } from '#core/catalogue/limits.ts';
import type { Clock, Ledger, RunHit } from '#core/ports.ts';
import type { Run } from '#core/run.ts';

/** How far a page reached: behind which run of which day. */
export const positionSchema = z.strictObject({
  day: z.iso.date(),
  before: z.string().max(80).optional(),
});
export type Position = z.infer<typeof positionSchema>;

export interface PageWanted {
  readonly by: 'actor' | 'tenant';
  readonly key: string;
  readonly matches: (run: Run) => boolean;
  readonly limit: number;
  /** Where to go on; absent: with the newest. */
  readonly from?: Position;
  /** Of this day alone. */
  readonly day?: string;
}
export interface Page {
  readonly runs: readonly Run[];
  /** Absent when there are no more. */
  readonly next?: Position;
}

/** Rows that one request reads at most: a filter that fits none must not read a tenant's whole month. */
const mostRows = 500;
const batch = 100;
const dayMs = 86_400_000;

interface Ports {
  readonly ledger: Ledger;
  readonly clock: Clock;
}

/** Runs newest first, day after day, until the page is full, enough was read, or there are no more rows. */
export async function pageOfRuns(ports: Ports, wanted: PageWanted): Promise<Page> {
  const { oldest, newest } = daysOf(wanted, ports.clock.nowMs());
  const runs: Run[] = [];
  let at: Position = wanted.from && wanted.from.day <= newest ? wanted.from : { day: newest };
  for (let read = 0; at.day >= oldest && read < mostRows && runs.length < wanted.limit;) {
    const { by, key } = wanted;
    const { day, before } = at;
    const from = before === undefined ? {} : { before };
    const hits = await ports.ledger.page({ by, key, day, ...from, limit: batch });
    const seen = await take(ports.ledger, hits, { wanted, runs });
    read += hits.length;
    at = behind(day, hits, seen);
  }
  return at.day < oldest ? { runs } : { runs, next: at };
}

/** Each day costs a request: of those to come, and of those whose rows have left, there are thousands. */
function daysOf({ day }: PageWanted, nowMs: number): { oldest: string; newest: string } {
  const kept = dayOf(nowMs - limits.runRetention * 1000);
  return { oldest: day !== undefined && day > kept ? day : kept, newest: day ?? dayOf(nowMs) };
}

/** Behind the last hit that was looked at; behind the last of its day, the day before. */
function behind(day: string, hits: readonly RunHit[], seen: number): Position {
  const last = hits[seen - 1];
  const isOver = seen === hits.length && hits.length < batch;
  return isOver || !last ? { day: dayOf(Date.parse(day) - dayMs) } : { day, before: last.at };
}

/** Adds those that match until the page is full; resolves with how many hits were looked at. */
async function take(
  ledger: Ledger,
  hits: readonly RunHit[],
  { wanted, runs }: { wanted: PageWanted; runs: Run[] },
): Promise<number> {
  const rows = new Map((await ledger.readMany(hits.map(({ id }) => id))).map((row) => [row.id, row]));
  for (const [index, { id }] of hits.entries()) {
    const row = rows.get(id);
    if (row && wanted.matches(row)) runs.push(row);
    if (runs.length >= wanted.limit) return index + 1;
  }
  return hits.length;
}

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

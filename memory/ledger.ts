import type { Ledger, OpenQuery, RunListing } from '#core/ports.ts';
import { checkTransition, openState, type Run } from '#core/run.ts';

type Order = (one: [string, number], other: [string, number]) => number;
const byNumberThenId: Order = ([id, at], [otherId, otherAt]) => at - otherAt || (id < otherId ? -1 : 1);

/** The ledger in a map: rows go in and out as copies, writes are conditional as in DynamoDB. */
export function memoryLedger(): Ledger & { readonly rows: ReadonlyMap<string, Run> } {
  const rows = new Map<string, Run>();
  const open = openIndex();
  const ofDay = ({ by, key, day }: RunListing): Run[] => {
    const keyOf = (run: Run): string => (by === 'queue' ? run.queue : by === 'actor' ? run.actor.id : run.tenant);
    return [...rows.values()].filter(
      (run) => keyOf(run) === key && new Date(run.createdMs).toISOString().startsWith(day),
    );
  };
  const put = (run: Run): void => {
    open.move(rows.get(run.id), run);
    rows.set(run.id, structuredClone(run));
  };
  return {
    rows,
    async read(id) {
      return structuredClone(rows.get(id));
    },
    async readMany(ids) {
      return ids.flatMap((id) => structuredClone(rows.get(id)) ?? []);
    },
    async create(run) {
      if (rows.has(run.id)) return 'exists';
      put(run);
      return 'created';
    },
    async replace(previous, next) {
      checkTransition(previous, next);
      const stored = rows.get(previous.id);
      if (!stored || stored.rev !== previous.rev || next.rev !== previous.rev + 1) return 'conflict';
      put(next);
      return 'replaced';
    },
    open: async (query) => open.find(query),
    async list(listing) {
      return ofDay(listing)
        .map((run): [string, number] => [run.id, run.createdMs])
        .toSorted(byNumberThenId)
        .map(([id]) => id);
    },
    async page({ before, limit, ...listing }) {
      return ofDay(listing)
        .map(({ id, createdMs }) => ({ id, at: `${String(createdMs).padStart(15, '0')}#${id}` }))
        .filter(({ at }) => before === undefined || at < before)
        .toSorted((one, other) => (one.at > other.at ? -1 : 1))
        .slice(0, limit);
    },
  };
}

/** Ids and times of open rows, a partition a queue and state: a query looks at its own partition only. */
function openIndex() {
  const partitions = new Map<string, Map<string, number>>();
  const partitionOf = (run: Run): Map<string, number> | undefined => {
    const state = openState(run);
    if (!state) return undefined;
    const key = `${run.queue}#${state}`;
    return partitions.get(key) ?? partitions.set(key, new Map()).get(key);
  };
  return {
    move(before: Run | undefined, after: Run): void {
      if (before) partitionOf(before)?.delete(before.id);
      partitionOf(after)?.set(after.id, after.checkAfterMs);
    },
    find({ queue, state, dueMs, afterMs = -1, limit }: OpenQuery): string[] {
      const all = [...(partitions.get(`${queue}#${state}`) ?? [])];
      return all
        .filter(([, checkAfterMs]) => checkAfterMs <= dueMs && checkAfterMs > afterMs)
        .toSorted(byNumberThenId)
        .slice(0, limit)
        .map(([id]) => id);
    },
  };
}

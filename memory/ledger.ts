import type { Ledger } from '#core/ports.ts';
import { checkTransition, openState, type Run } from '#core/run.ts';

/** The ledger in a map: rows go in and out as copies, writes are conditional as in DynamoDB. */
export function memoryLedger(): Ledger & { readonly rows: ReadonlyMap<string, Run> } {
  const rows = new Map<string, Run>();
  const ids = (keep: (run: Run) => boolean, order: (run: Run) => number): string[] =>
    [...rows.values()]
      .filter(keep)
      .toSorted((one, other) => order(one) - order(other) || (one.id < other.id ? -1 : 1))
      .map((run) => run.id);
  return {
    rows,
    async read(id) {
      return structuredClone(rows.get(id));
    },
    async create(run) {
      if (rows.has(run.id)) return 'exists';
      rows.set(run.id, structuredClone(run));
      return 'created';
    },
    async replace(previous, next) {
      checkTransition(previous, next);
      const stored = rows.get(previous.id);
      if (!stored || stored.rev !== previous.rev || next.rev !== previous.rev + 1) return 'conflict';
      rows.set(next.id, structuredClone(next));
      return 'replaced';
    },
    async open({ queue, state, dueMs, afterMs = -1, limit }) {
      return ids(
        (run) =>
          run.queue === queue && openState(run) === state && run.checkAfterMs <= dueMs && run.checkAfterMs > afterMs,
        (run) => run.checkAfterMs,
      ).slice(0, limit);
    },
    async list({ by, key, day }) {
      const keyOf = (run: Run): string => (by === 'queue' ? run.queue : by === 'actor' ? run.actor.id : run.tenant);
      return ids(
        (run) => keyOf(run) === key && new Date(run.createdMs).toISOString().startsWith(day),
        (run) => run.createdMs,
      );
    },
  };
}

import type { Subscription, Subscriptions } from '#core/ports.ts';

/** The hash of each run in a map. */
export function memorySubscriptions(): Subscriptions {
  const runs = new Map<string, Map<string, Subscription>>();
  const of = (run: string) => runs.get(run) ?? runs.set(run, new Map()).get(run)!;
  const isUnchanged = (run: string, from: Subscription): boolean => {
    const now = of(run).get(from.connection);
    return now !== undefined && textOf(now) === textOf(from);
  };
  return {
    positions: async (run) => [...of(run).values()].map((one) => ({ ...one })),
    exists: async (run) => of(run).size > 0,
    async set(run, subscription) {
      of(run).set(subscription.connection, { ...subscription });
    },
    async advance(run, from, to) {
      if (!isUnchanged(run, from)) return undefined;
      const { connection, expiresAtMs } = from;
      const next = { connection, expiresAtMs, position: to };
      of(run).set(connection, next);
      return next;
    },
    async end(run, from) {
      return isUnchanged(run, from) && of(run).delete(from.connection);
    },
    async remove(run, connection) {
      of(run).delete(connection);
    },
  };
}

const textOf = ({ position: { fence, seq }, expiresAtMs, fresh }: Subscription): string =>
  JSON.stringify([fence, seq, expiresAtMs, fresh]);

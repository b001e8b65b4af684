/** How connections and what they watch come to an end. */
import { logLines } from './catalogue/metrics.ts';
import { allSettled } from './lanes.ts';
import type { Connections, Log, Sockets, Subscription, Subscriptions } from './ports.ts';

interface Ports {
  readonly subscriptions: Subscriptions;
  readonly connections: Connections;
}

/** Forgets a connection, and all that it watches. */
export async function forgetConnection(ports: Ports, connection: string, run?: string): Promise<void> {
  const row = await ports.connections.remove(connection);
  const runs = new Set([...(run === undefined ? [] : [run]), ...(row?.subscriptions ?? [])]);
  await allSettled([...runs].map((one) => ports.subscriptions.remove(one, connection)));
}

/** Closes a connection that is not to be posted to any more, or notes that it is gone. */
export async function dropConnection(
  ports: Ports & { readonly sockets: Sockets; readonly log: Log },
  connection: string,
  { run, why, close }: { run?: string; why: string; close: boolean },
): Promise<void> {
  // First: should this fail, all is as it was, and is tried again. One that stays open, and unknown to us, would wait for
  // frames for ever.
  if (close) await ports.sockets.close(connection);
  await forgetConnection(ports, connection, run);
  ports.log.info(logLines.socketDropped, { connection, why, ...(run === undefined ? {} : { run }) });
}

/** Nothing more will come of this run. */
export async function endSubscription(ports: Ports, run: string, subscription: Subscription): Promise<void> {
  if (!(await ports.subscriptions.end(run, subscription))) return;
  const row = await ports.connections.read(subscription.connection);
  if (!row?.subscriptions.includes(run)) return;
  // Lost to another write it stays on the list, where it counts against the most there may be and does nothing else.
  const subscriptions = row.subscriptions.filter((one) => one !== run);
  await ports.connections.write({ ...row, rev: row.rev + 1, subscriptions });
}

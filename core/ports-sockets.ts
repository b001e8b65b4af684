import type { Role } from './catalogue/roles.ts';
import type { Position } from './frame-order.ts';
import type { Actor } from './run.ts';

/** A connection that watches a run. */
export interface Subscription {
  readonly connection: string;
  /** The last frame that was posted to it, or behind which it asked to begin. */
  readonly position: Position;
  /** When the token of its bearer expires: nothing is posted from then on. */
  readonly expiresAtMs: number;
  /** Names a subscription that the relay has not served yet; one that was made anew is another one by it. */
  readonly fresh?: string;
}

/** Who watches which run: the Redis hash `ws:subs:{run}`. It goes by itself two hours after the last subscribing. */
export interface Subscriptions {
  /** Everybody who watches the run. */
  positions(run: string): Promise<Subscription[]>;
  exists(run: string): Promise<boolean>;
  /** Begins, or begins anew at another position. */
  set(run: string, subscription: Subscription): Promise<void>;
  /** Moves it on, unless it has changed since it was read: then it is somebody else's, and undefined comes back. */
  advance(run: string, from: Subscription, to: Position): Promise<Subscription | undefined>;
  /** Ends it, unless it has changed since it was read; resolves with whether it did. */
  end(run: string, from: Subscription): Promise<boolean>;
  /** Ends it, whatever has become of it. */
  remove(run: string, connection: string): Promise<void>;
}

/** An open WebSocket, and whose it is. */
export interface Connection {
  readonly id: string;
  /** Counts writes; each is conditional on the one it was computed from. */
  readonly rev: number;
  readonly tenant: string;
  readonly actor: Actor;
  readonly roles: readonly Role[];
  readonly openedMs: number;
  readonly tokenExpiresAtMs: number;
  /** Runs that it watches, as far as anybody has told the row. */
  readonly subscriptions: readonly string[];
}

/** The table `connections`. Rows go by themselves once API Gateway must have closed the connection. */
export interface Connections {
  read(id: string): Promise<Connection | undefined>;
  /** Writes over the row of revision `rev - 1`; a first row has revision 1. */
  write(connection: Connection): Promise<'written' | 'conflict'>;
  /** Ids of at most `limit` connections whose token has expired in the last few minutes. */
  expired(nowMs: number, limit: number): Promise<string[]>;
  /** Deletes the row and resolves with what it was. */
  remove(id: string): Promise<Connection | undefined>;
}

/** The other ends of the WebSockets. */
export interface Sockets {
  /** `gone`: there is no such connection any more. `slow`: it did not take the message in time. */
  post(connection: string, text: string): Promise<'sent' | 'gone' | 'slow'>;
  /** Closes it; one that is gone is closed. */
  close(connection: string): Promise<void>;
}

import type * as z from 'zod';
import type { ProblemCode } from './problem.ts';
import type { Caller } from './caller.ts';
import type { AppOptions, GatewayPorts } from './ports.ts';

/** What an operation is told of the request, all of it checked already. */
export interface Ask<P = unknown, Q = unknown, B = unknown> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  readonly caller: Caller;
  /** The address that it came from. */
  readonly from: string;
  readonly idempotencyKey?: string;
  /** The header If-Match, as it came. */
  readonly ifMatch?: string;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}
/** And where it stands. */
export interface Setting {
  readonly ports: GatewayPorts;
  readonly options: AppOptions;
}

export interface Reply<A = unknown> {
  readonly body: A;
  /** Absent: that of the operation. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

type Schema = z.ZodType;
type Out<S> = S extends z.ZodType ? z.output<S> : undefined;

/** One operation of the interface. Who may call it, and where it is, stands in core/catalogue/routes.ts. */
interface Typed<P, Q, B, A extends Schema> {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** Of the body, where it is documented in more detail than it is read by. */
  readonly documentedBody?: Schema;
  /** Whether a request without a body is one with `{}`. */
  readonly bodyIsOptional?: boolean;
  readonly ifMatch?: string;
  readonly status: 200 | 202;
  readonly answer: A;
  /** Answers of the same shape that are no success, and what they say. */
  readonly otherStatus?: Readonly<Record<number, string>>;
  /** Headers of the answer, and what they say. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What can go wrong, beyond what can everywhere. */
  readonly problems: readonly ProblemCode[];
  /** Answers that hold a link or a ticket are never stored: asked again, it is done again, which makes no difference. */
  readonly answersAreSecret?: boolean;
  /** Whether this body wants step-up, where the route's row says `bulk`. */
  readonly isBulk?: (body: Out<B>) => boolean;
  /** No JSON but this. */
  readonly contentType?: string;
  readonly handle: (setting: Setting, ask: Ask<Out<P>, Out<Q>, Out<B>>) => Promise<Reply<z.output<A>>>;
}
export type Operation = Typed<Schema | undefined, Schema | undefined, Schema | undefined, Schema>;

/** An operation whose handler's types follow from its schemas; the pipeline parses before it calls. */
export const operation = <
  A extends Schema,
  P extends Schema | undefined = undefined,
  Q extends Schema | undefined = undefined,
  B extends Schema | undefined = undefined,
>(
  typed: Typed<P, Q, B, A>,
): Operation => typed;

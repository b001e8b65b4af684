import type * as z from 'zod';
import { routeRow, type RouteName } from '#core/catalogue/routes.ts';
import { fitted } from './fitted.ts';
import type { Answer, Call, Send } from './transport.ts';

/** What fills a row of the table of routes. */
export interface Ask {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Call['query'];
  readonly body?: unknown;
  /** For a POST: the same key and body are one request. A new one for each call when absent. */
  readonly idempotencyKey?: string | undefined;
  /** The ETag that the caller has seen. */
  readonly ifMatch?: string | undefined;
  /** For a route that wants step-up only when all there is is meant. */
  readonly bulk?: boolean;
  readonly leastTimeoutMs?: Call['leastTimeoutMs'];
  readonly accepts?: Call['accepts'];
  readonly signal?: AbortSignal | undefined;
}

/** Calls routes by their names; method, path and strength of the token stand in the table. */
export interface Asker {
  <S extends z.ZodType>(name: RouteName, schema: S, ask?: Ask): Promise<z.output<S>>;
  /** With its headers. */
  whole(name: RouteName, ask?: Ask): Promise<Answer>;
}

export function asker(send: Send): Asker {
  const whole = (name: RouteName, ask: Ask = {}) => send(callOf(name, ask));
  const parsed = async <S extends z.ZodType>(name: RouteName, schema: S, ask?: Ask) =>
    fitted(schema, (await whole(name, ask)).body, `${routeRow(name).method} ${routeRow(name).path}`);
  return Object.assign(parsed, { whole });
}

function callOf(name: RouteName, { params = {}, query, body, signal, leastTimeoutMs, accepts, ...ask }: Ask): Call {
  const { method, path, roles, stepUp } = routeRow(name);
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(params[key] ?? ''));
  return {
    method,
    path: filled,
    anonymous: roles === 'anyone',
    stepUp: stepUp === 'always' || (stepUp === 'bulk' && ask.bulk === true),
    ...(query ? { query } : {}),
    ...(body === undefined ? {} : { body }),
    leastTimeoutMs,
    accepts,
    signal,
    headers: {
      ...(ask.idempotencyKey === undefined ? {} : { 'idempotency-key': ask.idempotencyKey }),
      ...(ask.ifMatch === undefined ? {} : { 'if-match': ask.ifMatch }),
    },
  };
}

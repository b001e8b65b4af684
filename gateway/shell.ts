/** What every door has around its routes: a request's origin, the headers of every answer, and what goes wrong. */
import { Hono, type Context } from 'hono';
import { redact } from '#core/redact.ts';
import { logLines } from '#core/catalogue/metrics.ts';
import type { Incoming } from './door.ts';
import type { Setting } from './operation.ts';
import { everyRow } from './every-row.ts';
import { originOf, type Origin } from './origin.ts';
import { Problem, problemOf } from './problem.ts';
import { apiVersion, versionHeader } from './schemas/version.ts';

interface Kinds {
  Variables: { origin: Origin };
}
export type Door = Hono<Kinds>;
type Ctx = Context<Kinds>;

/** Nothing that is answered is to be kept, framed, sniffed or told to others. */
const always: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  [versionHeader]: apiVersion,
};
/** For everything but the page of the documentation, which says its own. */
const noContent = "default-src 'none'; frame-ancestors 'none'";

/** A door without routes yet: all that it answers is that there is nothing. */
export function emptyDoor(setting: Setting): Door {
  const app = new Hono<Kinds>();
  app.use(async (context, next) => {
    const origin = originOf(context.env);
    context.set('origin', origin);
    await next();
    for (const [name, value] of Object.entries(always)) context.res.headers.set(name, value);
    if (!context.res.headers.has('content-security-policy')) {
      context.res.headers.set('content-security-policy', noContent);
    }
    context.res.headers.set('x-request-id', origin.requestId);
  });
  app.notFound((context) => refused(setting, unmounted(context.req.method, context.req.path), context));
  app.onError((thrown, context) => refused(setting, thrown, context));
  return app;
}

export const incomingOf = (context: Ctx): Incoming => ({
  request: context.req.raw,
  params: context.req.param(),
  query: context.req.queries(),
  from: context.get('origin').from,
});

/** Another method of a path that there is, or no path of ours. */
function unmounted(method: string, path: string): Problem {
  const rows = everyRow.filter((row) => matches(row.path, path));
  // `/runs/retry` is a place of its own, and no run of that name.
  const own = rows.filter((row) => row.path === path);
  const methods = (own.length > 0 ? own : rows).map((row) => row.method as string);
  const allowed = [...new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods)];
  const shown = JSON.stringify(path.slice(0, 200));
  if (allowed.length === 0 || allowed.includes(method)) {
    return new Problem('NOT_FOUND', `there is nothing at ${shown}: GET /openapi.json lists what there is`);
  }
  return new Problem('METHOD_NOT_ALLOWED', `${shown} takes ${allowed.join(', ')}`, {
    headers: { allow: allowed.join(', ') },
  });
}

function matches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  return wanted.length === given.length && wanted.every((part, at) => part.startsWith('{') || part === given[at]);
}

/** The problem that was thrown, as it is answered; a fault of ours stands in the log with what the answer leaves out. */
export function toldProblem(
  { ports: { log } }: Setting,
  thrown: unknown,
  { requestId, ...where }: { readonly requestId: string; readonly method: string; readonly path: string },
): ReturnType<typeof problemOf> {
  const problem = problemOf(thrown, `urn:request:${requestId}`);
  const { status, code } = problem.body;
  if (status >= 500) log.warn(logLines.requestFailed, { request: requestId, ...where, code, error: redact(thrown) });
  return problem;
}

function refused(setting: Setting, thrown: unknown, context: Ctx): Response {
  const { requestId } = context.get('origin');
  const { method, path } = context.req;
  const { body, headers } = toldProblem(setting, thrown, { requestId, method, path });
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
  });
}

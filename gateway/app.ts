/**
 * The gateway as an application: the rows of core/catalogue/routes.ts that belong to one door, each with its operation.
 *
 * The same code is every door's, on Lambda and on one machine; what differs stands in its options. It knows neither AWS
 * nor Node: a request comes in, a response goes out.
 */
import { Hono, type Context } from 'hono';
import { redact } from '#core/redact.ts';
import { logLines } from '#core/catalogue/metrics.ts';
import { answered, type Incoming, type Mounted } from './door.ts';
import type { Reply, Setting } from './operation.ts';
import type { AppOptions, GatewayPorts } from './ports.ts';
import { Problem, problemOf } from './problem.ts';
import { originOf, type Origin } from './origin.ts';
import { everyRow } from './every-row.ts';
import { mountedAt } from './routes/index.ts';
import { apiVersion, versionHeader } from './schemas/version.ts';

interface Kinds {
  Variables: { origin: Origin };
}
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

export function createApp(ports: GatewayPorts, options: AppOptions): Hono<Kinds> {
  const setting: Setting = { ports, options };
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
  for (const mounted of mountedAt(options.door)) {
    const path = mounted.row.path.replaceAll(/\{(\w+)\}/g, ':$1');
    app.on(mounted.row.method, path, async (context) =>
      responseOf(mounted, await answered(setting, mounted, incomingOf(context))),
    );
  }
  app.notFound((context) => refused(setting, unmounted(context.req.method, context.req.path), context));
  app.onError((thrown, context) => refused(setting, thrown, context));
  return app;
}

const incomingOf = (context: Ctx): Incoming => ({
  request: context.req.raw,
  params: context.req.param(),
  query: context.req.queries(),
  from: context.get('origin').from,
});

function responseOf({ operation }: Mounted, { body, status, headers }: Reply): Response {
  const { contentType } = operation;
  return new Response(contentType === undefined ? JSON.stringify(body) : String(body), {
    status: status ?? operation.status,
    headers: { 'content-type': contentType ?? 'application/json', ...headers },
  });
}

/** Another method of a path that there is, or no path of ours. */
function unmounted(method: string, path: string): Problem {
  const methods = everyRow.filter((row) => matches(row.path, path)).map((row) => row.method as string);
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

function refused({ ports: { log } }: Setting, thrown: unknown, context: Ctx): Response {
  const { requestId } = context.get('origin');
  const { body, headers } = problemOf(thrown, `urn:request:${requestId}`);
  if (body.status >= 500) {
    const { method, path } = context.req;
    log.warn(logLines.requestFailed, { request: requestId, method, path, code: body.code, error: redact(thrown) });
  }
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
  });
}

import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyResultV2, Context } from 'aws-lambda';
import type { Env, Hono } from 'hono';
import { handle } from 'hono/aws-lambda';
import type { Door } from '#core/catalogue/routes.ts';
import { doorServices, type DoorServices } from './door-services.ts';
import type { Environment } from './environment.ts';

/** Makes a door's application of the plane's services. */
type Open<E extends Env> = (
  plane: DoorServices,
  opening: { readonly door: Door; readonly environment: Environment },
) => Hono<E>;

/** No Request can have these methods, by the Fetch standard; under any other name they are answered like every stranger. */
const unspeakable = /^(?:CONNECT|TRACE|TRACK)$/i;

/**
 * The event in words of which the adapter can make a request. It answers 400 where Fetch forbids a method, or a body with
 * GET and HEAD, which means nothing and is not read (RFC 9110, 9.3.1); and it leaves out a header without a value, which
 * must be refused where it needs one. The path comes without its escapes: a `#` that was one would end it.
 */
export function speakable(event: APIGatewayProxyEventV2): APIGatewayProxyEventV2 {
  const { http } = event.requestContext;
  const method = unspeakable.test(http.method) ? `X-${http.method}` : http.method;
  const headers = Object.fromEntries(
    // One of blanks is read as one without a value.
    Object.entries(event.headers).map(([name, value]) => [name, value === '' ? ' ' : value]),
  );
  const { body, ...bare } = event;
  const keepsBody = body !== undefined && !/^(?:GET|HEAD)$/i.test(method);
  return {
    ...bare,
    rawPath: event.rawPath.split('/').map(encodeURIComponent).join('/'),
    ...(keepsBody ? { body } : {}),
    headers,
    requestContext: { ...event.requestContext, http: { ...http, method } },
  };
}

/** The handler of a door, behind API Gateway (payload format 2.0). */
export function httpHandler<E extends Env>(door: Door, open: Open<E>) {
  const plane = doorServices(door);
  const answer = handle(open(plane, { door, environment: plane.environment }));
  void plane.ready();
  return middy<APIGatewayProxyEventV2, APIGatewayProxyResultV2>().handler(
    async (event: APIGatewayProxyEventV2, context: Context): Promise<APIGatewayProxyResultV2> => {
      await plane.ready();
      const answered = await answer(speakable(event) as never, context as never);
      plane.metrics.flush();
      return answered;
    },
  );
}

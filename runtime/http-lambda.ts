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

/** The handler of a door, behind API Gateway (payload format 2.0). */
export function httpHandler<E extends Env>(door: Door, open: Open<E>) {
  const plane = doorServices(door);
  const answer = handle(open(plane, { door, environment: plane.environment }));
  void plane.ready();
  return middy<APIGatewayProxyEventV2, APIGatewayProxyResultV2>().handler(
    async (event: APIGatewayProxyEventV2, context: Context): Promise<APIGatewayProxyResultV2> => {
      await plane.ready();
      const answered = await answer(event as never, context as never);
      plane.metrics.flush();
      return answered;
    },
  );
}

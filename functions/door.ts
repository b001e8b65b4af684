import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyResultV2, Context } from 'aws-lambda';
import { handle } from 'hono/aws-lambda';
import type { DoorName } from '#core/catalogue/entry-points.ts';
import { logLines } from '#core/catalogue/metrics.ts';
import { createApp } from '#gateway/app.ts';
import { parseIdentity } from '#gateway/identity/config.ts';
import { createIdentity } from '#gateway/identity/verify.ts';
import { doorServices } from '#runtime/door-services.ts';

/** The handler of a door: the gateway's application on the plane's services, behind API Gateway (payload format 2.0). */
export function openDoor(door: DoorName) {
  const plane = doorServices(door);
  const { own, local } = plane.environment;
  // Issuers live in the world's time, whatever a driven clock says.
  const identity = createIdentity(parseIdentity(own.IDENTITY ?? '[]', { local: local !== undefined }), {
    nowMs: Date.now,
    onRefused: (refusal) => plane.log.info(logLines.tokenRefused, { ...refusal }),
  });
  const answer = handle(
    createApp(plane, {
      door,
      identity,
      realNowMs: Date.now,
      releaseByAnother: own.RELEASE_BY_ANOTHER === 'true',
    }),
  );
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

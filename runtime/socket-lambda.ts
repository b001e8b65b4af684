import middy from '@middy/core';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { relay } from '#core/consume-wakes.ts';
import { received } from './lambda.ts';
import { socketServices, type SocketServices } from './socket-services.ts';

/** The handler of the WebSocket API: connections, their messages, their ends. */
export function socketHandler<Answer>(
  open: (plane: SocketServices, opening: Pick<SocketServices, 'environment'>) => (event: unknown) => Promise<Answer>,
) {
  const plane = socketServices('sockets');
  const answer = open(plane, plane);
  void plane.ready();
  return middy<unknown, Answer>().handler(async (event: unknown): Promise<Answer> => {
    await plane.ready();
    return answer(event);
  });
}

/** The handler of the relay: wakes, a look a run. */
export function relayHandler() {
  const plane = socketServices('relay');
  void plane.ready();
  return middy<SQSEvent, SQSBatchResponse>().handler(async (event: SQSEvent): Promise<SQSBatchResponse> => {
    await plane.ready();
    const failed = await relay(plane, event.Records.map(received));
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  });
}

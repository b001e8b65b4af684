import { relayHandler } from '#runtime/socket-lambda.ts';

export const handler = relayHandler();

import { openSockets } from '#gateway/sockets/open.ts';
import { socketHandler } from '#runtime/socket-lambda.ts';

export const handler = socketHandler(openSockets);

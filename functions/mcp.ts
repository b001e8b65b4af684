import { openMcp } from '#gateway/mcp/open.ts';
import { httpHandler } from '#runtime/http-lambda.ts';

export const handler = httpHandler('mcp', openMcp);

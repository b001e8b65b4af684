import { openApp } from '#gateway/open.ts';
import { httpHandler } from '#runtime/http-lambda.ts';

export const handler = httpHandler('gateway', openApp);

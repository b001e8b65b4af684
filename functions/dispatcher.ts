import { kickHandler } from '#runtime/lambda.ts';

export const handler = kickHandler();

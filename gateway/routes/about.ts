import * as z from 'zod';
import { operation } from '#gateway/operation.ts';
import { apiVersion } from '#gateway/schemas/version.ts';

export const healthz = operation({
  status: 200,
  answer: z
    .strictObject({ status: z.literal('ok'), door: z.enum(['gateway', 'halt']), version: z.string() })
    .meta({ id: 'Health' }),
  problems: [],
  handle: async ({ options: { door } }) => ({ body: { status: 'ok' as const, door, version: apiVersion } }),
});

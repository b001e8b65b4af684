// Answers for which the gateway has no schema to share yet.
import * as z from 'zod';
import { frame } from '#gateway/schemas/run.ts';
import { positionSchema } from './feed.ts';

export const events = z.looseObject({
  frames: z.array(frame),
  gap: z.looseObject({ oldest: positionSchema }).optional(),
});
export const uploadLink = z.looseObject({
  href: z.string(),
  headers: z.record(z.string(), z.string()),
  path: z.string(),
});
export const haltState = z.looseObject({ state: z.string() });
export const haltHistory = z.looseObject({});
export const auditPage = z.looseObject({});
export const auditVerified = z.looseObject({});
export const health = z.looseObject({ status: z.string(), version: z.string() });
export const readiness = z.looseObject({});
export const me = z.looseObject({});
export const catalogue = z.looseObject({});

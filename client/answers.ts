// Answers for which the gateway has no schema to share.
import * as z from 'zod';
import { frame } from '#gateway/schemas/run.ts';
import { positionSchema } from './feed.ts';

/** What the long poll gives: core/follow.ts. */
export const events = z.looseObject({
  frames: z.array(frame),
  gap: z.looseObject({ oldest: positionSchema }).optional(),
});

/** What is needed of a presigned link; the method is always PUT. */
export const uploadLink = z.looseObject({
  href: z.string(),
  headers: z.record(z.string(), z.string()),
  path: z.string(),
});

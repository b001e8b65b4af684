import * as z from 'zod';
import { minutes, seconds } from '../duration.ts';
import { secretReference } from '../secret-shapes.ts';
import type { TaskContract } from './tasks.ts';

/**
 * As a pattern, so that whoever reads the schema knows: https, or http to this machine, and no user before the host. A
 * parser of addresses takes a backslash for a slash and drops blanks: neither may stand here.
 */
const callable =
  /^(?:https:\/\/|http:\/\/(?=(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?(?:[/?#]|$)))[^\s\\/?#@]+(?:[/?#][^\s\\]*)?$/;

/** Who is called back, and by the name of which secret that is signed. */
export const callbackTarget = z.strictObject({
  url: z
    .url()
    .max(2048)
    .regex(callable, 'is not https://HOST/PATH without a user (http only to loopback, on the local plane)')
    .meta({ description: 'https, on the public internet; redirects are not followed' }),
  secret: z
    .string()
    .regex(secretReference, 'is not the name of a secret such as webhooks/orders')
    .meta({ description: 'The name of the secret that signs it, never the secret: webhooks/orders' }),
});
export type CallbackTarget = z.output<typeof callbackTarget>;

export const callbackDeliver = {
  queue: 'default',
  title: 'Posts a signed event to a receiver, as Standard Webhooks says, until it is taken',
  payload: callbackTarget.extend({
    event: z.strictObject({
      type: z
        .string()
        .max(64)
        .regex(/^[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*$/, 'is not a type such as run.succeeded'),
      timestamp: z.iso.datetime(),
      data: z.record(z.string().max(64), z.unknown()),
    }),
  }),
  result: z.strictObject({ status: z.int(), attempts: z.int().positive() }),
  effect: 'mutates',
  whenHalted: 'hold',
  mutatesWhileHalted: [],
  uses: ['webhooks'],
  startableBy: ['service', 'operator'],
  interrupt: 'kill',
  // Eight times within about an hour: a receiver that is deployed or restarted misses nothing.
  retry: { maximumAttempts: 8, firstWait: seconds(30), longestWait: minutes(30), nonRetryable: [] },
  costClass: 'small',
} as const satisfies TaskContract;

import * as z from 'zod';
import { limits } from '#core/catalogue/limits.ts';
import { Failure } from '#core/errors.ts';
import type { Artefacts } from '#core/ports.ts';
import { inboxKey } from '#core/task-ports.ts';
import type { Caller } from './caller.ts';
import { parseJson } from './json-body.ts';

/**
 * A key below the tenant's inbox: no empty or dotted segments, and only signs that are themselves in an address, in a
 * policy and in a shell.
 */
export const uploadPath = z
  .string()
  .min(1)
  .max(512)
  .regex(
    /^(?!.*(?:^|\/)\.{0,2}(?:\/|$))[\w][\w !&'()+,./:;=@-]*$/,
    'is not a path such as 2026/prices.csv: letters, digits and few other signs, no empty or dotted segments',
  )
  .meta({ description: 'Where it lies in the inbox of the tenant, such as 2026/prices.csv' });

/** The JSON that somebody has uploaded. @throws Failure INPUT_INVALID; Problem REQUEST_INVALID when it is none. */
export async function uploadedPayload(
  { artefacts }: { readonly artefacts: Artefacts },
  { tenant }: Caller,
  path: string,
): Promise<unknown> {
  const key = inboxKey(tenant, path);
  const found = await artefacts.stat(key);
  if (!found) throw new Failure('INPUT_INVALID', `there is no ${path} in the inbox: POST /uploads gives a link for it`);
  if (found.sizeBytes > limits.payloadBytes) {
    throw new Failure(
      'INPUT_INVALID',
      `${path} has ${found.sizeBytes} bytes, more than the ${limits.payloadBytes} of a payload: name data by its key instead`,
    );
  }
  // No more than was looked at: another file may lie there by now.
  const bytes = await artefacts.readRange(key, 0, found.sizeBytes);
  return parseJson(new TextDecoder().decode(bytes), path);
}

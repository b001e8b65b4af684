import { randomBytes } from 'node:crypto';
import { v5, v7 } from 'uuid';
import type { Ids } from '#core/ids.ts';

/** Namespace of this project's named ids (RFC 9562, version 5). Changing it would run every slot again: never. */
const namespace = 'c0f7a5b2-6f0e-5d0b-9b57-3d6f1f0a4e21';

export const runtimeIds = (): Ids => ({
  runId: () => v7(),
  named: (name) => v5(name, namespace),
  traceparent: () => `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`,
  random: () => Math.random(),
});

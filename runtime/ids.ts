import { randomBytes } from 'node:crypto';
import { v5, v7 } from 'uuid';
import { idNamespace, type Ids } from '#core/ids.ts';

export const runtimeIds = (): Ids => ({
  runId: () => v7(),
  named: (name) => v5(name, idNamespace),
  traceparent: () => `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`,
  random: () => Math.random(),
});

import { taskContract, type TaskName } from './catalogue/tasks.ts';
import { describeIssues } from './envelope.ts';
import { Failure } from './errors.ts';
import { findSecret } from './redact.ts';

/**
 * A payload is kept on a row, handed around and shown: what opens a door stays with the resolver, and is named here.
 *
 * @throws Failure SECRET_IN_PAYLOAD
 */
export function refuseSecrets(what: string, payload: unknown): void {
  const path = findSecret(payload);
  if (path === undefined) return;
  throw new Failure(
    'SECRET_IN_PAYLOAD',
    `${what} holds a secret at ${path}: put it where secrets are kept, and name it instead`,
  );
}

/** @throws Failure PAYLOAD_INVALID */
export function parsePayload(task: TaskName, payload: unknown): unknown {
  const parsed = taskContract(task).payload.safeParse(payload);
  if (parsed.success) return parsed.data;
  throw new Failure(
    'PAYLOAD_INVALID',
    `the payload of ${task} does not fit its contract: ${describeIssues(parsed.error)}`,
  );
}

import { Failure } from './errors.ts';

/** A secret and, for as long as both are in use, the one before it: what is signed is signed with each. */
export interface SecretVersions {
  readonly current: string;
  readonly previous?: string;
}

/** The one way to a secret. It is asked for by name, and what it answers is never written down. */
export interface Secrets {
  /**
   * `webhooks/acme-main`, say. At most five minutes old.
   *
   * @throws Failure CONFIGURATION_INVALID: the name is none, or there is no such secret; DEPENDENCY_UNAVAILABLE.
   */
  read(name: string): Promise<SecretVersions>;
  /** A setting that is nobody's business. Throws as `read` does. */
  parameter(name: string): Promise<string>;
}

/** Words between slashes, none of them hidden or a way out of the cell's own names. */
const nameShape = /^[a-z][a-z0-9-]{0,31}(?:\/\w[\w.@-]{0,63}){1,3}$/;

/** @throws Failure CONFIGURATION_INVALID, without the name: what stands in its place may be the secret itself. */
export function checkSecretName(name: string): void {
  if (nameShape.test(name)) return;
  throw new Failure(
    'CONFIGURATION_INVALID',
    `what was given for the name of a secret (${name.length} characters) is none: name it as it is kept, such as webhooks/acme-main`,
  );
}

/** What is wrong with a name that nothing is kept under, and how to mend it. */
export const secretMissing = (name: string, how: string, cause?: unknown): Failure =>
  new Failure('CONFIGURATION_INVALID', `there is no secret ${name}: ${how}`, { cause });

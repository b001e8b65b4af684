/** What the gateway answered with, when it was no success: RFC 9457's problem, or what could be read of another answer. */
export class GatewayError extends Error {
  /** Of the problem: never changes its meaning. `HTTP_<status>` where something else than the gateway answered. */
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  /** Where in the request, and what is wrong there. */
  readonly issues: readonly { readonly path: string; readonly message: string }[];
  /** How long the gateway asks to wait before the next try. */
  readonly retryAfterMs: number | undefined;

  constructor(problem: Pick<GatewayError, 'code' | 'status' | 'detail' | 'issues' | 'retryAfterMs'>) {
    const issues = problem.issues.map(({ path, message }) => `${path}: ${message}`);
    // The detail may be one of them, word for word.
    const more = issues.filter((issue) => !problem.detail.includes(issue));
    super([problem.detail, ...more].join('\n  '));
    this.name = 'GatewayError';
    this.code = problem.code;
    this.status = problem.status;
    this.detail = problem.detail;
    this.issues = problem.issues;
    this.retryAfterMs = problem.retryAfterMs;
  }
}

/** Nobody answered, or not in time. `cause` is what the network said. */
export class UnreachableError extends Error {
  /** Whether another try may find it: a refusal or a reset passes, a wrong certificate does not. */
  readonly passing: boolean;
  constructor(message: string, { passing, cause }: { passing: boolean; cause: unknown }) {
    super(message, { cause });
    this.name = 'UnreachableError';
    this.passing = passing;
  }
}

/** What answers is no gateway that this client can speak with: of another major version, or something else altogether. */
export class VersionError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'VersionError';
  }
}

/** There is no token to send, or none that may be used; the message says how to get one. */
export class IdentityError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'IdentityError';
  }
}

/** A profile, an address or a file of the caller's that cannot be used. */
export class SettingsError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'SettingsError';
  }
}

import type { FailureCode } from '#core/errors.ts';
import { Failure, toFailure } from '#core/errors.ts';
import { redactText } from '#core/redact.ts';

/** Said by a door with the places that do not fit, by the plane without. */
const secretInPayload = { status: 422, title: 'A secret stands in the payload' } as const;
const payloadInvalid = { status: 422, title: 'The payload does not fit its task' } as const;

/** What only a door can say; the failures of the plane keep their own codes. */
const doorProblems = {
  UNAUTHENTICATED: { status: 401, title: 'No valid token' },
  STEP_UP_REQUIRED: { status: 401, title: 'Stronger or newer authentication is needed' },
  ROLE_INSUFFICIENT: { status: 403, title: 'None of your roles may do this' },
  ORIGIN_REFUSED: { status: 403, title: 'Not from a page of another site' },
  RELEASE_BY_ANOTHER: { status: 403, title: 'Another person must release' },
  NOT_FOUND: { status: 404, title: 'There is no such thing' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'Not this method' },
  IN_PROGRESS: { status: 409, title: 'The same request is being worked on' },
  PRECONDITION_FAILED: { status: 412, title: 'It has changed since you looked' },
  BODY_TOO_LARGE: { status: 413, title: 'The body is too large' },
  CONTENT_TYPE_UNSUPPORTED: { status: 415, title: 'Not this content type' },
  REQUEST_INVALID: { status: 422, title: 'The request does not fit its schema' },
  PAYLOAD_INVALID: payloadInvalid,
  SECRET_IN_PAYLOAD: secretInPayload,
  IDEMPOTENCY_KEY_REUSED: { status: 422, title: 'The key was used for another request' },
  PRECONDITION_REQUIRED: { status: 428, title: 'Say which version you mean' },
  RATE_LIMITED: { status: 429, title: 'Too many requests' },
  IDENTITY_UNAVAILABLE: { status: 503, title: 'The issuer of the token cannot be reached' },
} as const;

/** The plane's failures as HTTP has them; a code that is not here is a fault of ours. */
const failureProblems: Partial<Record<FailureCode, { status: number; title: string }>> = {
  RUN_UNKNOWN: { status: 404, title: 'There is no such run' },
  PAYLOAD_INVALID: payloadInvalid,
  SECRET_IN_PAYLOAD: secretInPayload,
  INPUT_INVALID: { status: 422, title: 'The input cannot be used' },
  CONFIGURATION_INVALID: { status: 422, title: 'The request cannot be carried out as it is' },
  TASK_UNKNOWN: { status: 422, title: 'There is no such task' },
  SCHEDULE_UNKNOWN: { status: 404, title: 'There is no such schedule' },
  HOPS_EXCEEDED: { status: 422, title: 'Too many runs in a chain' },
  IDEMPOTENCY_CONFLICT: { status: 422, title: 'The key was used for another request' },
  TRANSITION_ILLEGAL: { status: 409, title: 'Not in this state' },
  HALT_CONFLICT: { status: 409, title: 'There is a newer halt' },
  LEDGER_CONFLICT: { status: 409, title: 'Others are changing the same thing' },
  KILL_SWITCH_HALTED: { status: 423, title: 'The plane is halted' },
  KILL_SWITCH_UNKNOWN: { status: 503, title: 'The kill switch cannot be read' },
  DEPENDENCY_UNAVAILABLE: { status: 503, title: 'Something that is needed does not answer' },
};

/** Every code that an answer can have, with status and title. */
export const problems: Readonly<Record<string, { readonly status: number; readonly title: string }>> = {
  ...doorProblems,
  ...failureProblems,
  INTERNAL: { status: 500, title: 'A fault of ours' },
};

export type ProblemCode = keyof typeof doorProblems | FailureCode;

/** What goes wrong at the door. Its message says what, which value, and what to do; never a secret. */
export class Problem extends Error {
  readonly code: keyof typeof doorProblems;
  readonly headers: Readonly<Record<string, string>>;
  /** Where in the request, where that helps: paths and what is wrong there. */
  readonly issues: readonly { readonly path: string; readonly message: string }[] | undefined;

  constructor(
    code: keyof typeof doorProblems,
    message: string,
    also: { headers?: Record<string, string>; issues?: Problem['issues']; cause?: unknown } = {},
  ) {
    super(redactText(message), { cause: also.cause });
    this.name = 'Problem';
    this.code = code;
    this.headers = also.headers ?? {};
    this.issues = also.issues?.map(({ path, message: wrong }) => ({
      path: redactText(path),
      message: redactText(wrong),
    }));
  }
}

/** `application/problem+json` (RFC 9457), with a `code` that never changes its meaning. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail: string;
  readonly instance: string;
  readonly issues?: Problem['issues'];
}

/** The one place that turns what was thrown into an answer. What is no failure of ours says nothing of its inside. */
export function problemOf(thrown: unknown, instance: string): { body: ProblemBody; headers: Record<string, string> } {
  if (thrown instanceof Problem) {
    const { code, message: detail, headers, issues } = thrown;
    const body = { ...bodyOf(code, doorProblems[code], { detail, instance }), ...(issues && { issues }) };
    return { body, headers: { ...headers } };
  }
  const { code, message } = toFailure(thrown);
  const known = failureProblems[code];
  if (known && thrown instanceof Failure) {
    const retry: Record<string, string> = known.status === 503 ? { 'retry-after': '5' } : {};
    return { body: bodyOf(code, known, { detail: message, instance }), headers: retry };
  }
  const detail =
    'The gateway failed to answer. The fault is noted in its log; try again, with the same Idempotency-Key.';
  return { body: bodyOf('INTERNAL', { status: 500, title: 'A fault of ours' }, { detail, instance }), headers: {} };
}

const bodyOf = (
  code: ProblemCode,
  { status, title }: { status: number; title: string },
  { detail, instance }: { detail: string; instance: string },
): ProblemBody => ({
  type: `urn:alphaswarm:problem:${code.toLowerCase().replaceAll('_', '-')}`,
  title,
  status,
  code,
  detail,
  instance,
});

// What goes to the bucket and comes from it by presigned links. No token is sent there: the link is all it takes.
import { GatewayError, UnreachableError } from './errors.ts';

/** A large file over a slow line. */
const transferWithinMs = 15 * 60_000;

export interface UploadLink {
  readonly href: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** @throws GatewayError when the bucket refuses, UnreachableError. */
export async function putFile({ href, headers }: UploadLink, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const response = await over(href, { method: 'PUT', headers: { ...headers }, body: bytes });
  await response.arrayBuffer();
}

const noLink = 'The gateway cannot sign links just now: the artefacts are there, ask again in a moment.';

/** @throws GatewayError when the link has expired, UnreachableError. */
export async function getFile(href: string | undefined): Promise<Uint8Array<ArrayBuffer>> {
  if (href === undefined) throw new UnreachableError(noLink, { passing: true, cause: undefined });
  return new Uint8Array(await (await over(href, { method: 'GET' })).arrayBuffer());
}

async function over(href: string, init: RequestInit): Promise<Response> {
  const { host } = new URL(href);
  let response: Response;
  try {
    response = await fetch(href, { ...init, redirect: 'error', signal: AbortSignal.timeout(transferWithinMs) });
  } catch (cause) {
    const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    // The address without what was signed into it: whoever has that has the file.
    throw new UnreachableError(`The bucket at ${host} cannot be reached (${why}).`, { passing: false, cause });
  }
  if (response.ok) return response;
  const { status } = response;
  const code = /<Code>(\w+)<\/Code>/.exec(await response.text())?.[1] ?? `HTTP_${status}`;
  throw new GatewayError({
    status,
    code,
    issues: [],
    retryAfterMs: undefined,
    detail: `The bucket at ${host} refused (${code}): links work for a few minutes; ask for a new one.`,
  });
}

import * as z from 'zod';

/** Where a request came from, and what it is called in the log. */
export interface Origin {
  readonly from: string;
  readonly requestId: string;
}

/** What API Gateway says of a request (payload format 2.0), as Hono's adapter hands it on. */
const environment = z.object({
  requestContext: z.object({
    requestId: z.string().min(1).max(128).optional(),
    http: z.object({ sourceIp: z.string().min(1).max(64) }),
  }),
});

/** Headers say what their sender likes: only API Gateway's own word is taken. */
export function originOf(env: unknown): Origin {
  const said = environment.safeParse(env).data?.requestContext;
  return { from: said?.http.sourceIp ?? 'unknown', requestId: said?.requestId ?? crypto.randomUUID() };
}

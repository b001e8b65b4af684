import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { ProblemBody } from '#gateway/problem.ts';

/** What a tool says, for programs and as text for models that see nothing else. */
export const answerOf = (body: Record<string, unknown>): CallToolResult => ({
  content: [{ type: 'text', text: JSON.stringify(body) }],
  structuredContent: body,
});

/** A problem is an answer, too: whoever called reads what to do about it, and calls again. */
export function problemAnswer(body: ProblemBody, headers: Readonly<Record<string, string>>): CallToolResult {
  const { code, detail } = body;
  // An operation says where a request does not fit; here all of it is arguments.
  const issues = body.issues?.map((one) => ({
    ...one,
    path: one.path.replace(/^(?:path|query|body)\./, 'arguments.'),
  }));
  const wait = headers['retry-after'];
  const lines = [
    `${code}: ${detail}`,
    ...(issues ?? []).map(({ path, message }) => `${path}: ${message}`),
    ...(wait === undefined ? [] : [`Try again after ${wait} s.`]),
  ];
  return {
    isError: true,
    content: [{ type: 'text', text: lines.join('\n') }],
    structuredContent: {
      ...body,
      ...(issues ? { issues } : {}),
      ...(wait === undefined ? {} : { retryAfterSeconds: Number(wait) }),
    },
  };
}

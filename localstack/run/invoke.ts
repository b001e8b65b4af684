// A mapping's invocation by the way that AWS's own takes: Lambda's Invoke, which LocalStack hands to our plug-in.
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import type { InvocationResult } from '#local/lambda-environment.ts';

const errorSchema = z.object({
  errorType: z.string().default('Error'),
  errorMessage: z.string().default('no message'),
  trace: z.array(z.string()).default([]),
});

/** Resolves with what the function returned, or with its error. Rejects when LocalStack could not invoke it. */
export async function invokeOver(client: LambdaClient, name: string, event: unknown): Promise<InvocationResult> {
  const startedMs = performance.now();
  const command = new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(event) });
  const { FunctionError, Payload, $metadata } = await client.send(command);
  const payload: unknown = JSON.parse(Payload?.transformToString() || 'null');
  const ran = { requestId: $metadata.requestId ?? '', durationMs: performance.now() - startedMs };
  if (FunctionError === undefined) return { ...ran, outcome: 'success', result: payload };
  return { ...ran, outcome: 'error', error: errorSchema.parse(payload) };
}

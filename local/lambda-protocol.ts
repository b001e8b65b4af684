// What the host and the process of one execution environment say to each other over the IPC channel.

export interface InvokeMessage {
  type: 'invoke';
  requestId: string;
  deadlineMs: number;
  event: unknown;
}

/** How the bundle, the environment variables and the context's constants reach the process: as its one argument. */
export interface BootstrapArgument {
  codeDir: string;
  handler: string;
  functionName: string;
  functionArn: string;
  memoryMb: number;
  logGroup: string;
  logStream: string;
}

export interface ErrorReport {
  errorType: string;
  errorMessage: string;
  trace: string[];
}

export type EnvironmentMessage =
  | { type: 'ready'; initMs: number }
  | { type: 'init-error'; error: ErrorReport }
  | { type: 'result'; requestId: string; result: unknown; maxRssMb: number }
  | { type: 'failure'; requestId: string; error: ErrorReport; maxRssMb: number };

/**
 * The process writes this line to both its outputs before it answers, so that the host knows every line of the
 * invocation has arrived: the answer travels by another pipe and may overtake them, and a frozen process writes no more.
 */
export function endOfOutput(requestId: string): string {
  return `\u0000end ${requestId}`;
}

// What the plane tells of itself: one JSON object a line with `alphaswarm up --json`.

export interface PlaneEndpoints {
  sqs: string;
  s3: string;
  dynamodb: string;
  redis: string;
  aws: string;
  /** The HTTP API, `http://127.0.0.1:PORT`. */
  gateway: string;
  /** The WebSocket API, `ws://127.0.0.1:PORT`. */
  sockets: string;
  /** Of tokens, Entra's stand-in first; none where the template asks for none. */
  issuers: readonly string[];
}

export type InvocationOutcome = 'success' | 'error' | 'timeout' | 'crash' | 'init-error';

type PlaneEventBody =
  | { type: 'ready'; endpoints: PlaneEndpoints; functions: string[]; queues: string[]; schedules: string[] }
  | { type: 'environment-started'; function: string; pid: number }
  | { type: 'environment-ended'; function: string; pid: number; how: 'killed' | 'crashed' | 'timeout' | 'stopped' }
  | { type: 'invocation-started'; function: string; requestId: string; pid: number; coldStart: boolean }
  | {
      type: 'invocation-ended';
      function: string;
      requestId: string;
      pid: number;
      outcome: InvocationOutcome;
      durationMs: number;
      message?: string;
    }
  | { type: 'log'; function: string; requestId?: string; line: string }
  | {
      type: 'task-changed';
      task: string;
      family: string;
      lastStatus: string;
      desiredStatus: string;
      stopCode?: string;
      pid?: number;
    }
  | { type: 'task-log'; task: string; family: string; line: string }
  | { type: 'tick'; schedule: string; scheduledAtMs: number; queue: string; attempt: number; messageId: string }
  | { type: 'tick-failed'; schedule: string; scheduledAtMs: number; attempt: number; message: string; final: boolean }
  | { type: 'dead-letter'; queue: string; messageId: string; body: string }
  | { type: 'bus-event'; bus: string; source: string; detailType: string; detail: unknown }
  | { type: 'clock-jumped'; byMs: number; toMs: number }
  | { type: 'error'; where: string; message: string }
  | { type: 'stopped' };

/** `atMs` is the plane's clock (driven or wall). */
export type PlaneEvent = PlaneEventBody & { atMs: number };

export type Emit = (event: PlaneEventBody) => void;

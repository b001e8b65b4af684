import { seconds, type Seconds } from '../duration.ts';
import type { Door } from './routes.ts';

/** Behind the HTTP API, or the WebSocket API. */
export type DoorName = Door | 'sockets';

/** What a function is given that no queue's row says. */
export interface DoorRow {
  readonly drives: string;
  readonly memoryMb: number;
  readonly timeout: Seconds;
}
/** API Gateway waits 30 s for an answer, and a long poll takes 20 of them. */
export const doors: Record<DoorName, DoorRow> = {
  gateway: { drives: 'the HTTP API: runs, schedules, queues, audit', memoryMb: 1024, timeout: seconds(29) },
  halt: {
    drives: 'halting, releasing, cancelling: what must not wait behind anything',
    memoryMb: 512,
    timeout: seconds(15),
  },
  mcp: { drives: 'the catalogue as tools of the Model Context Protocol', memoryMb: 1024, timeout: seconds(29) },
  sockets: {
    drives: 'WebSockets that follow runs: connect, subscribe, disconnect',
    memoryMb: 512,
    timeout: seconds(10),
  },
};
export const doorNames = Object.keys(doors) as DoorName[];
export const isDoor = (name: string): name is DoorName => Object.hasOwn(doors, name);

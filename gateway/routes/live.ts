import * as z from 'zod';
import { follow } from '#core/follow.ts';
import { operation } from '#gateway/operation.ts';
import { visibleRun } from '#gateway/rights.ts';
import { at } from '#gateway/schemas/common.ts';
import { events, ticket } from '#gateway/schemas/events.ts';
import { frameView } from '#gateway/schemas/run.ts';
import * as tickets from '#gateway/sockets/tickets.ts';
import { runId } from './get-run.ts';

/** API Gateway gives an answer up after 30 s. */
const longestWait = 20;

const query = z.strictObject({
  after: z
    .string()
    .regex(/^(?:\d{1,9}\.)?\d{1,9}$/, 'is neither FENCE.SEQ nor SEQ')
    .optional()
    .meta({
      // Only those that the run has had are taken, which no pattern says.
      format: 'frame-position',
      description: 'Behind which frame: FENCE.SEQ, or SEQ of the newest claim; absent: from the beginning',
    }),
  wait: z
    .string()
    .regex(/^(?:1?\d|20)$/, 'is not a number from 0 to 20')
    .optional()
    .transform((text) => Number(text ?? 0))
    .meta({
      description: 'Seconds to wait for a frame when there is none yet',
      type: 'integer',
      minimum: 0,
      maximum: longestWait,
      default: 0,
      pattern: undefined,
    }),
});

export const followRun = operation({
  params: runId,
  query,
  status: 200,
  answer: events,
  problems: ['RUN_UNKNOWN', 'INPUT_INVALID'],
  async handle({ ports }, { params, query: { after, wait }, caller, signal }) {
    const run = await visibleRun(ports, caller, params.id);
    const { frames, gap, next, ended } = await follow(ports, run.id, { after, waitMs: wait * 1000, signal });
    const body = {
      frames: frames.map(frameView),
      ...(gap ? { gap: { oldest: { ...gap.oldest } } } : {}),
      next,
      ...(ended === undefined ? {} : { ended }),
    };
    return { body };
  },
});

export const openTicket = operation({
  body: z.strictObject({}),
  bodyIsOptional: true,
  status: 200,
  answer: ticket,
  answersAreSecret: true,
  problems: [],
  async handle({ ports: { control }, options: { realNowMs } }, { caller }) {
    const opened = await tickets.openTicket({ control, realNowMs }, caller);
    return { body: { ticket: opened.ticket, expiresAt: at(opened.expiresAtMs) } };
  },
});

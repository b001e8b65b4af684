import * as z from 'zod';
import { count, instant, runState } from './common.ts';
import { frame } from './run.ts';

export const events = z
  .strictObject({
    frames: z.array(frame).meta({ description: 'Dense and in order, of the newest claim alone' }),
    gap: z
      .strictObject({ oldest: z.strictObject({ fence: count, seq: count }) })
      .optional()
      .meta({ description: 'What came before the first of these frames, and after the position, is gone' }),
    next: z.string().meta({ description: 'What the next call names as `after`' }),
    ended: runState.optional().meta({ description: 'The run has ended so: there is nothing more' }),
  })
  .meta({ id: 'Events' });

export const ticket = z
  .strictObject({
    ticket: z.string().meta({ description: 'For ?ticket= of the WebSocket: good once, and within a minute' }),
    expiresAt: instant,
  })
  .meta({ id: 'Ticket' });

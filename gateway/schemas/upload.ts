import * as z from 'zod';
import { instant } from './common.ts';

export const uploadLink = z
  .strictObject({
    method: z.literal('PUT'),
    href: z.string().meta({ description: 'Works without a token, and for a few minutes only' }),
    headers: z.record(z.string(), z.string()).meta({ description: 'To be sent as they are' }),
    path: z.string().meta({ description: 'As tasks and payloadPath name it' }),
    expiresAt: instant,
  })
  .meta({ id: 'UploadLink' });

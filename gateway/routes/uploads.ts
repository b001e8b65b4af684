import * as z from 'zod';
import { operated } from '#core/operations.ts';
import { inboxKey } from '#core/task-ports.ts';
import { operation } from '#gateway/operation.ts';
import { requestOf } from '#gateway/request.ts';
import { at, count } from '#gateway/schemas/common.ts';
import { uploadLink } from '#gateway/schemas/upload.ts';
import { uploadPath } from '#gateway/uploaded.ts';

/** What one PUT to S3 takes. */
const mostBytes = 5 * 1024 ** 3;

const upload = z
  .strictObject({
    path: uploadPath,
    contentType: z
      .string()
      .max(128)
      .regex(/^[\w.+-]+\/[\w.+-]+(?:; ?charset=[\w-]+)?$/, 'is not a content type such as text/csv'),
    sizeBytes: count
      .min(1, 'must be at least 1: an empty file is not taken')
      .max(mostBytes)
      .meta({ description: 'Exactly: the link takes no other size' }),
  })
  .meta({ id: 'Upload' });

export const openUpload = operation({
  body: upload,
  status: 200,
  answer: uploadLink,
  answersAreSecret: true,
  problems: [],
  async handle({ ports }, ask) {
    const { body, caller } = ask;
    const { path, contentType, sizeBytes } = body;
    const on = { inbox: path, tenant: caller.tenant };
    const request = requestOf(ask, 'asked for', body);
    const link = await operated(ports, { how: 'upload', request, on }, () =>
      ports.links.writing(inboxKey(caller.tenant, path), { contentType, sizeBytes }),
    );
    const { href, headers, expiresAtMs } = link;
    return { body: { method: 'PUT' as const, href, headers: { ...headers }, path, expiresAt: at(expiresAtMs) } };
  },
});

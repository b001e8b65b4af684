import * as z from 'zod';
import type { Mounted } from '#gateway/door.ts';
import type { OpenApi } from '#gateway/openapi.ts';
import { operation, type Operation, type Setting } from '#gateway/operation.ts';

/** The interface, described: made when it is first asked for, and kept. What makes it is no part of a cold start. */
export function describing(all: () => readonly Mounted[]): { openapi: Operation; docs: Operation } {
  const made = new WeakMap<Setting, OpenApi>();
  const documentOf = async (setting: Setting): Promise<OpenApi> => {
    const { openApi } = await import('#gateway/openapi.ts');
    const document = made.get(setting) ?? openApi(all());
    made.set(setting, document);
    return document;
  };
  return {
    openapi: operation({
      status: 200,
      answer: z.looseObject({ openapi: z.literal('3.1.0') }).meta({ id: 'OpenApi' }),
      problems: [],
      handle: async (setting) => ({ body: await documentOf(setting) }),
    }),
    docs: operation({
      status: 200,
      answer: z.string(),
      contentType: 'text/html; charset=utf-8',
      problems: [],
      async handle(setting) {
        const { docsPage } = await import('#gateway/docs-page.ts');
        const { html, policy } = await docsPage(await documentOf(setting));
        return { body: html, headers: { 'content-security-policy': policy } };
      },
    }),
  };
}

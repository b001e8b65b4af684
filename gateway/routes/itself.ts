import * as z from 'zod';
import { docsPage } from '#gateway/docs-page.ts';
import type { Mounted } from '#gateway/door.ts';
import { openApi, type OpenApi } from '#gateway/openapi.ts';
import { operation, type Operation, type Setting } from '#gateway/operation.ts';

/** The interface, described: made when it is first asked for, and kept. */
export function describing(all: () => readonly Mounted[]): { openapi: Operation; docs: Operation } {
  const made = new WeakMap<Setting, OpenApi>();
  const documentOf = (setting: Setting): OpenApi => {
    const document = made.get(setting) ?? openApi(all(), setting.options.release);
    made.set(setting, document);
    return document;
  };
  return {
    openapi: operation({
      status: 200,
      answer: z.looseObject({ openapi: z.literal('3.1.0') }).meta({ id: 'OpenApi' }),
      problems: [],
      handle: async (setting) => ({ body: documentOf(setting) }),
    }),
    docs: operation({
      status: 200,
      answer: z.string(),
      contentType: 'text/html; charset=utf-8',
      problems: [],
      async handle(setting) {
        const { html, policy } = await docsPage(documentOf(setting));
        return { body: html, headers: { 'content-security-policy': policy } };
      },
    }),
  };
}

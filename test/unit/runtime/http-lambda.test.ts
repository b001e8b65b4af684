import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { Hono } from 'hono';
import { handle } from 'hono/aws-lambda';
import { expect, it } from 'vitest';
import { speakable } from '#runtime/http-lambda.ts';

interface Sent {
  readonly method: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** What an application gets of an event, by the adapter that the doors have. */
async function seen({ method, path = '/runs', headers = {}, body }: Sent) {
  const app = new Hono();
  app.all('/runs/:id?', async ({ req }) =>
    Response.json({ method: req.method, id: req.param('id'), headers: req.header(), body: await req.text() }),
  );
  const event = {
    version: '2.0',
    rawPath: path,
    rawQueryString: '',
    headers: { host: 'gateway.example', ...headers },
    requestContext: { domainName: 'gateway.example', http: { method, path } },
    ...(body === undefined ? {} : { body }),
    isBase64Encoded: false,
  } as unknown as APIGatewayProxyEventV2;
  const answer = (await handle(app)(speakable(event) as never)) as { statusCode: number; body: string };
  expect(answer.statusCode).toBe(200);
  return JSON.parse(answer.body) as { method: string; id?: string; headers: Record<string, string>; body: string };
}

it.each(['TRACE', 'trace', 'CONNECT', 'TRACK'])(
  '%s reaches the application, as a method that nobody has',
  async (method) => {
    expect(await seen({ method, body: '{}' })).toMatchObject({ method: `X-${method}` });
  },
);

it('a body that comes with GET is not read, and one with POST is', async () => {
  expect(await seen({ method: 'GET', body: '{"reason":"r"}' })).toMatchObject({ method: 'GET', body: '' });
  expect(await seen({ method: 'POST', body: '{"reason":"r"}' })).toMatchObject({ body: '{"reason":"r"}' });
});

it('a header without a value is there, and has none', async () => {
  expect((await seen({ method: 'POST', headers: { 'idempotency-key': '' } })).headers['idempotency-key']).toBe('');
});

it.each(['a#b', 'a%b', 'a%20b', 'ö 7'])('%j in a path is a part of it', async (id) => {
  expect((await seen({ method: 'GET', path: `/runs/${id}` })).id).toBe(id);
});

// The door as its function has it: events of API Gateway in, answers for it out.
import { handle } from 'hono/aws-lambda';
import { expect, it } from 'vitest';
import { parseIdentity } from '#gateway/identity/config.ts';
import { openMcp } from '#gateway/mcp/open.ts';
import { gateway } from '#test/unit/gateway/support.ts';
import { rows } from '#test/unit/gateway/identity/support.ts';
import { message } from './support.ts';

const own = { IDENTITY: JSON.stringify(rows()) };
const open = () => handle(openMcp(gateway().ports, { environment: { own } }));

/** Payload format 2.0, as much of it as is read. */
const event = (method: string, path: string, body?: string) => ({
  version: '2.0',
  rawPath: path,
  rawQueryString: '',
  headers: {
    host: 'abc.execute-api.eu-central-1.amazonaws.com',
    'x-forwarded-proto': 'https',
    accept: 'application/json, text/event-stream',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  },
  requestContext: {
    domainName: 'abc.execute-api.eu-central-1.amazonaws.com',
    requestId: 'request-9',
    http: { method, path, sourceIp: '192.0.2.9' },
  },
  ...(body === undefined ? {} : { body }),
  isBase64Encoded: false,
});
const asked = async (...given: Parameters<typeof event>) =>
  (await open()(event(...given) as never, {} as never)) as unknown as {
    statusCode: number;
    headers: Record<string, string>;
    body: string;
  };

it('says without a token where its description is, at the address by which it was reached', async () => {
  const { statusCode, headers } = await asked('POST', '/mcp', message('tools/list'));
  expect(statusCode).toBe(401);
  expect(headers['x-request-id']).toBe('request-9');
  expect(headers['www-authenticate']).toContain(
    'resource_metadata="https://abc.execute-api.eu-central-1.amazonaws.com/.well-known/oauth-protected-resource/mcp"',
  );
});

it('describes itself with the issuers that it takes tokens of', async () => {
  const { statusCode, body } = await asked('GET', '/.well-known/oauth-protected-resource/mcp');
  expect(statusCode).toBe(200);
  expect(JSON.parse(body)).toStrictEqual({
    resource: 'https://abc.execute-api.eu-central-1.amazonaws.com/mcp',
    authorization_servers: parseIdentity(own.IDENTITY, { local: false }).map(({ issuer }) => issuer),
    bearer_methods_supported: ['header'],
    resource_name: 'AlphaSwarm',
  });
});

it('without a sound configuration is not opened at all', () => {
  const broken = { IDENTITY: '[{}]' };
  expect(() => openMcp(gateway().ports, { environment: { own: broken } })).toThrow(
    expect.objectContaining({ code: 'CONFIGURATION_INVALID' }),
  );
});

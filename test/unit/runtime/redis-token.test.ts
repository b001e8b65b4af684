import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { presignedGet, redisToken, type PresignOptions } from '#runtime/redis-token.ts';

const parametersOf = (url: string) => new URLSearchParams(url.slice(url.indexOf('?')));
const signatureOf = (url: string) => parametersOf(url).get('X-Amz-Signature');

/**
 * The presigned cases of AWS's own suite that are a GET of `/`: awslabs/aws-c-auth (Apache-2.0),
 * tests/aws-signing-test-suite/v4/<name>/query-signed-request.txt at 495329c2433034bd8fd53fc6ba9e0202d3fac876.
 */
const suite: [name: string, of: { query: Record<string, string>; sessionToken?: string }, signature: string][] = [
  ['get-vanilla', { query: {} }, 'e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d'],
  [
    'get-vanilla-query-order-key-case',
    { query: { Param2: 'value2', Param1: 'value1' } },
    '86012e2c9ad4d77369f5d81c11f75158aae4f895a085212cc6d3f923d300bed5',
  ],
  [
    'get-vanilla-empty-query-key',
    { query: { Param1: 'value1' } },
    '49096700cbbaa5753443850f40df10f904fc2fdb544dc9512203cc77c471a9de',
  ],
  [
    'get-vanilla-with-session-token',
    { query: {}, sessionToken: '6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267' },
    '7ff2b50b376cb4d151970630573d6291dc128cc5c2a12ffb237f73cc53f67b6c',
  ],
];
const ofTheSuite = (sessionToken?: string) => ({
  host: 'example.amazonaws.com',
  service: 'service',
  region: 'us-east-1',
  expiresInSeconds: 3600,
  signedAt: new Date('2015-08-30T12:36:00Z'),
  credentials: {
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    ...(sessionToken === undefined ? {} : { sessionToken }),
  },
});

describe('published vectors', () => {
  it.each(suite)('AWS’s signing test suite, %s', async (_, { query, sessionToken }, signature) => {
    const url = await presignedGet({ ...ofTheSuite(sessionToken), query });
    expect(signatureOf(url)).toBe(signature);
    expect(Object.fromEntries(parametersOf(url))).toEqual({
      ...query,
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': 'AKIDEXAMPLE/20150830/us-east-1/service/aws4_request',
      'X-Amz-Date': '20150830T123600Z',
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Expires': '3600',
      ...(sessionToken === undefined ? {} : { 'X-Amz-Security-Token': sessionToken }),
      'X-Amz-Signature': signature,
    });
  });

  it('Envoy’s token for an ElastiCache cache, with a session token', async () => {
    // envoyproxy/envoy (Apache-2.0), the test of the Redis proxy's AwsIamAuthenticator, case NormalAuthentication.
    const url = await presignedGet({
      host: 'cachename',
      query: { Action: 'connect', User: 'test' },
      service: 'elasticache',
      region: 'region',
      expiresInSeconds: 60,
      signedAt: new Date('2018-01-02T03:04:05Z'),
      credentials: { accessKeyId: 'akid', secretAccessKey: 'secret', sessionToken: 'token' },
    });
    expect(signatureOf(url)).toBe('3bf9d8841acb6db28373efcab8b9ccf1076a7a9ab39faf489002fa0555a1f89c');
  });

  it('the token for a serverless cache that the AWS SDK for Java makes', async () => {
    // Opetushallitus/jod-yksilo (facts of its test IamAuthTokenRequestTest): the whole of our own function.
    const token = await redisToken({
      cacheName: 'my-cache',
      user: 'user123',
      region: 'eu-west-1',
      credentials: { accessKeyId: 'accessKey', secretAccessKey: 'secretKey' },
      signedAt: new Date('2024-08-02T12:11:50Z'),
    });
    expect(token.startsWith('my-cache/?Action=connect&User=user123&ResourceType=ServerlessCache&')).toBe(true);
    expect(signatureOf(token)).toBe('5dda5db919b1337db6596b2a608924bc10197fb39289b933b60bdb114d5a70dc');
  });
});

/** Signature Version 4 from its description, step by step; shares no code with the signer. */
function signedByHand(
  { host, query, service, region, expiresInSeconds, signedAt }: PresignOptions,
  keys: Keys,
): string {
  const stamp = signedAt.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const scope = `${stamp.slice(0, 8)}/${region}/${service}/aws4_request`;
  const all: Record<string, string> = {
    ...query,
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${keys.accessKeyId}/${scope}`,
    'X-Amz-Date': stamp,
    'X-Amz-Expires': String(expiresInSeconds),
    'X-Amz-SignedHeaders': 'host',
    ...(keys.sessionToken === undefined ? {} : { 'X-Amz-Security-Token': keys.sessionToken }),
  };
  const pairs = Object.entries(all).map(([name, value]) => `${percent(name)}=${percent(value)}`);
  const canonicalQuery = pairs.toSorted().join('&');
  const canonicalRequest = ['GET', '/', canonicalQuery, `host:${host}\n`, 'host', sha256('')].join('\n');
  const stringToSign = ['AWS4-HMAC-SHA256', stamp, scope, sha256(canonicalRequest)].join('\n');
  let key: Buffer | string = `AWS4${keys.secretAccessKey}`;
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  return createHmac('sha256', key).update(stringToSign).digest('hex');
}
interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
/** Every byte but the unreserved characters of RFC 3986. */
const percent = (text: string) =>
  [...Buffer.from(text)]
    .map((byte) => String.fromCharCode(byte))
    .map((one) => (/[\w.~-]/.test(one) ? one : `%${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`))
    .join('');

describe('the token of ElastiCache, computed again by hand', () => {
  const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
  const cases: [why: string, of: { cacheName: string; user: string; sessionToken?: string }][] = [
    ['as it is deployed', { cacheName: 'alphaswarm-dev-state', user: 'alphaswarm-dev-plane' }],
    [
      'with a session token that must be encoded',
      { cacheName: 'c', user: 'plane', sessionToken: "IQoJb3JpZ2luX2VjE/+=='()*!~ ü" },
    ],
    ['with a user that must be encoded', { cacheName: 'c', user: "a b&c=d'(e)*!/~" }],
  ];

  it.each(cases)('%s', async (_, { cacheName, user, sessionToken }) => {
    const signedAt = new Date('2026-11-21T12:34:56.789Z');
    const credentials = { ...keys, ...(sessionToken === undefined ? {} : { sessionToken }) };
    const token = await redisToken({ cacheName, user, region: 'eu-central-1', credentials, signedAt });
    const query = { Action: 'connect', User: user, ResourceType: 'ServerlessCache' };
    const request = { host: cacheName, query, service: 'elasticache', region: 'eu-central-1', credentials, signedAt };
    expect(signatureOf(token)).toBe(signedByHand({ ...request, expiresInSeconds: 900 }, credentials));
    // What the server takes apart again is what was signed.
    const names = token
      .slice(token.indexOf('?') + 1)
      .split('&')
      .map((pair) => pair.split('=') as [string, string]);
    for (const [name, value] of names) {
      expect(percent(decodeURIComponent(name))).toBe(name);
      expect(percent(decodeURIComponent(value))).toBe(value);
    }
    expect(parametersOf(token.replaceAll('+', '%2B')).get('User')).toBe(user);
  });

  it('lives for 15 minutes, is no URL with a scheme, and asks for credentials each time it is made', async () => {
    let asked = 0;
    const credentials = async () => {
      asked += 1;
      return { ...keys, accessKeyId: `AKID${asked}` };
    };
    const options = { cacheName: 'c', user: 'u', region: 'us-east-1', credentials, signedAt: new Date(0) };
    const tokens = [await redisToken(options), await redisToken(options)];
    expect(tokens.map((token) => parametersOf(token).get('X-Amz-Credential')?.split('/')[0])).toEqual([
      'AKID1',
      'AKID2',
    ]);
    expect(parametersOf(tokens[0] ?? '').get('X-Amz-Expires')).toBe('900');
    expect(tokens[0]).toMatch(/^c\/\?Action=connect&/);
  });
});

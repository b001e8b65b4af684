import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';

const lifetimeSeconds = 900;

export interface TokenOptions {
  /** Name of the serverless cache, lower case: it stands where a URL has its host. */
  readonly cacheName: string;
  readonly user: string;
  readonly region: string;
  readonly credentials: ConstructorParameters<typeof SignatureV4>[0]['credentials'];
  readonly signedAt: Date;
}

/**
 * The password of an IAM user of ElastiCache: a request `connect`, presigned with SigV4 for 15 minutes, without its
 * scheme. It opens connections for that long; a connection lasts at most 12 hours.
 * (Amazon ElastiCache User Guide, "Authenticating with IAM".)
 */
export const redisToken = ({ cacheName, user, ...signing }: TokenOptions): Promise<string> =>
  presignedGet({
    ...signing,
    host: cacheName,
    query: { Action: 'connect', User: user, ResourceType: 'ServerlessCache' },
    service: 'elasticache',
    expiresInSeconds: lifetimeSeconds,
  });

export interface PresignOptions extends Pick<TokenOptions, 'region' | 'credentials' | 'signedAt'> {
  readonly host: string;
  readonly query: Readonly<Record<string, string>>;
  readonly service: string;
  readonly expiresInSeconds: number;
}

/**
 * `GET https://<host>/?<query>` presigned with Signature Version 4, without its scheme. The scheme is no part of what is
 * signed. (AWS Signature Version 4, "Authenticating Requests: Using Query Parameters".)
 */
export async function presignedGet(options: PresignOptions): Promise<string> {
  const { host, query, service, region, credentials, expiresInSeconds, signedAt } = options;
  const signer = new SignatureV4({ service, region, credentials, sha256: Sha256 });
  const request = { method: 'GET', protocol: 'https:', hostname: host, path: '/', query, headers: { host } };
  const signed = await signer.presign(request, { expiresIn: expiresInSeconds, signingDate: signedAt });
  const pairs = Object.entries(signed.query ?? {}).map(([name, value]) => `${encode(name)}=${encode(String(value))}`);
  return `${host}/?${pairs.join('&')}`;
}

/** RFC 3986, as SigV4 wants it: encodeURIComponent leaves five characters alone that it must not. */
const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

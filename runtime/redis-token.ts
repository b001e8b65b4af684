import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentity, Provider } from '@smithy/types';

const lifetimeSeconds = 900;

export interface TokenOptions {
  /** Name of the serverless cache, lower case: it stands where a URL has its host. */
  readonly cacheName: string;
  readonly user: string;
  readonly region: string;
  readonly credentials: Provider<AwsCredentialIdentity> | AwsCredentialIdentity;
  readonly signedAt: Date;
}

/**
 * The password of an IAM user of ElastiCache: a request `connect`, presigned with SigV4 for 15 minutes, without its
 * scheme. It opens connections for that long; a connection lasts at most 12 hours.
 * (Amazon ElastiCache User Guide, "Authenticating with IAM"; Signature Version 4, "Authenticating Requests: Query Parameters".)
 */
export async function redisToken({ cacheName, user, region, credentials, signedAt }: TokenOptions): Promise<string> {
  const signer = new SignatureV4({ service: 'elasticache', region, credentials, sha256: Sha256 });
  const request = {
    method: 'GET',
    protocol: 'http:',
    hostname: cacheName,
    path: '/',
    query: { Action: 'connect', User: user, ResourceType: 'ServerlessCache' },
    headers: { host: cacheName },
  };
  const signed = await signer.presign(request, { expiresIn: lifetimeSeconds, signingDate: signedAt });
  const query = Object.entries(signed.query ?? {}).map(([name, value]) => `${encode(name)}=${encode(String(value))}`);
  return `${cacheName}/?${query.join('&')}`;
}

/** RFC 3986, as SigV4 wants it: encodeURIComponent leaves five characters alone that it must not. */
const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

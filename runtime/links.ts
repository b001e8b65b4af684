import { GetObjectCommand, PutObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient, type STSClientConfig } from '@aws-sdk/client-sts';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { Failure } from '#core/errors.ts';
import type { Links } from '#core/ports-gateway.ts';

export interface LinksOptions {
  readonly bucket: string;
  /** ARN of the role under whose name links are signed. */
  readonly role: string;
  /** Of the clients: region, time limits, endpoints on the local plane. */
  readonly s3: S3ClientConfig;
  readonly sts: STSClientConfig;
  /** S3 and STS go by the clock of the world, whatever the plane's says. */
  readonly nowMs?: () => number;
}

/** How long a link works. */
const linkSeconds = 300;
/** The shortest session there is; its credentials serve for links as long as they outlive them. */
const sessionSeconds = 900;
/** Sessions kept: one a run that is looked at, and a function lives for hours. */
const mostSessions = 200;

interface Session {
  readonly client: S3Client;
  readonly expiresAtMs: number;
}

/**
 * Presigned links. A link is as good as the credentials it is signed with, so each prefix has a session of its own, under
 * a policy that allows this and nothing else: a link that was tampered with, or a signature found by chance, opens no
 * other run.
 */
export function runtimeLinks(options: LinksOptions): Links {
  const { bucket, nowMs = Date.now } = options;
  const sessions = sessionsOf(options, nowMs);
  const linkOf = async (session: Session, command: GetObjectCommand | PutObjectCommand) => {
    const expiresAtMs = Math.min(nowMs() + linkSeconds * 1000, session.expiresAtMs);
    const href = await getSignedUrl(session.client, command, {
      expiresIn: Math.floor((expiresAtMs - nowMs()) / 1000),
      signingDate: new Date(nowMs()),
      // By itself the presigner leaves the type open, and with it what a browser makes of the object.
      signableHeaders: new Set(['host', 'content-type', 'content-length']),
    });
    return { href, expiresAtMs };
  };
  return {
    async reading(prefix, keys) {
      const stray = keys.find((key) => !key.startsWith(prefix));
      if (stray !== undefined || !prefix.endsWith('/')) {
        throw new Failure(
          'CONFIGURATION_INVALID',
          `${stray ?? prefix} does not lie below ${prefix}: name its own prefix`,
        );
      }
      const session = await sessions.of('s3:GetObject', `${prefix}*`);
      return Promise.all(
        keys.map((key) =>
          linkOf(session, new GetObjectCommand({ Bucket: bucket, Key: key, ResponseContentDisposition: 'attachment' })),
        ),
      );
    },
    async writing(key, { contentType, sizeBytes }) {
      const session = await sessions.of(
        's3:PutObject',
        key.replaceAll(/[*?$]/g, (sign) => `\${${sign}}`),
      );
      const object = { Bucket: bucket, Key: key, ContentType: contentType, ContentLength: sizeBytes };
      const link = await linkOf(session, new PutObjectCommand(object));
      return { ...link, headers: { 'content-type': contentType, 'content-length': String(sizeBytes) } };
    },
  };
}

type Allowed = 's3:GetObject' | 's3:PutObject';

function sessionsOf(options: LinksOptions, nowMs: () => number) {
  const open = new Map<string, Promise<Session>>();
  const isUsable = async (session: Promise<Session>): Promise<boolean> => {
    const [found] = await Promise.allSettled([session]);
    return found.status === 'fulfilled' && found.value.expiresAtMs - nowMs() > linkSeconds * 1000;
  };
  return {
    async of(action: Allowed, object: string): Promise<Session> {
      const name = `${action} ${object}`;
      const known = open.get(name);
      if (known && (await isUsable(known))) return known;
      const opening = openSession(options, action, object);
      open.delete(name);
      open.set(name, opening);
      for (const oldest of [...open.keys()].slice(0, Math.max(0, open.size - mostSessions))) open.delete(oldest);
      return opening;
    },
  };
}

async function openSession(options: LinksOptions, action: Allowed, object: string): Promise<Session> {
  const { bucket, role, s3, sts } = options;
  const [, partition = 'aws'] = role.split(':');
  const statement = { Effect: 'Allow', Action: action, Resource: `arn:${partition}:s3:::${bucket}/${object}` };
  const client = new STSClient(sts);
  try {
    const { Credentials: given } = await client.send(
      new AssumeRoleCommand({
        RoleArn: role,
        RoleSessionName: 'links',
        DurationSeconds: sessionSeconds,
        Policy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
      }),
    );
    if (!given?.AccessKeyId || !given.SecretAccessKey || !given.SessionToken || !given.Expiration) {
      throw new Failure('DEPENDENCY_UNAVAILABLE', `STS gave no credentials for ${role}: try again`);
    }
    const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = given;
    const credentials = { accessKeyId, secretAccessKey, sessionToken };
    // Else the checksum of the empty body that is signed would be asked of the one that is sent.
    const checksums = {
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    } as const;
    return { client: new S3Client({ ...s3, ...checksums, credentials }), expiresAtMs: given.Expiration.getTime() };
  } finally {
    client.destroy();
  }
}

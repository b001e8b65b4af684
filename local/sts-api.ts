// STS: AssumeRole and GetCallerIdentity, in its query protocol. Credentials are as fake as the plane's own.
import { randomBytes, randomUUID } from 'node:crypto';
import * as z from 'zod';
import { jsonOf, type Call, type Reply } from '#local/aws-call.ts';
import { LOCAL_ACCOUNT_ID } from '#local/resource-types.ts';

export interface Sts {
  /** Roles of the template, the only ones that there are. */
  roleArns: readonly string[];
}

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';

const assumeSchema = z.object({
  RoleArn: z.string(),
  RoleSessionName: z.string().regex(/^[\w+=,.@-]{2,64}$/, 'RoleSessionName has 2 to 64 of [\\w+=,.@-]'),
  DurationSeconds: z.coerce.number().int().min(900).max(43_200).default(3600),
  Policy: z
    .string()
    .max(2048)
    .refine((text) => jsonOf(text) !== undefined, 'Policy is not JSON')
    .optional(),
});

/** Undefined for what is no call of it. */
export function askSts({ service, body }: Call, sts: Sts): Reply | undefined {
  if (service !== 'sts') return undefined;
  const request = Object.fromEntries(new URLSearchParams(body));
  if (request['Action'] === 'GetCallerIdentity') return callerIdentity();
  return request['Action'] === 'AssumeRole' ? assumeRole(request, sts) : undefined;
}

function callerIdentity(): Reply {
  const arn = `arn:aws:iam::${LOCAL_ACCOUNT_ID}:user/local`;
  return result('GetCallerIdentity', { Arn: arn, UserId: 'AIDALOCALUSER', Account: LOCAL_ACCOUNT_ID });
}

function assumeRole(request: Record<string, string>, { roleArns }: Sts): Reply {
  const parsed = assumeSchema.safeParse(request);
  if (!parsed.success) return refusal(400, 'ValidationError', z.prettifyError(parsed.error));
  const { RoleArn, RoleSessionName, DurationSeconds } = parsed.data;
  if (!roleArns.includes(RoleArn))
    return refusal(
      403,
      'AccessDenied',
      `Not authorized to perform sts:AssumeRole on resource ${RoleArn}: the template has no such role.`,
    );
  const role = RoleArn.split('/').at(-1) ?? '';
  return result('AssumeRole', {
    Credentials: {
      AccessKeyId: `ASIALOCAL${randomBytes(6).toString('hex').slice(0, 11).toUpperCase()}`,
      SecretAccessKey: randomBytes(20).toString('hex'),
      SessionToken: randomBytes(48).toString('base64url'),
      // Sessions end in the world's time, whatever the plane's says.
      Expiration: new Date(Date.now() + DurationSeconds * 1000).toISOString(),
    },
    AssumedRoleUser: {
      AssumedRoleId: `AROALOCALROLE:${RoleSessionName}`,
      Arn: `arn:aws:sts::${LOCAL_ACCOUNT_ID}:assumed-role/${role}/${RoleSessionName}`,
    },
  });
}

type Tree = { [name: string]: string | Tree };

function result(action: string, contents: Tree): Reply {
  const tree = { [`${action}Result`]: contents, ResponseMetadata: { RequestId: randomUUID() } };
  return { status: 200, contentType: 'text/xml', body: xml(`${action}Response`, tree) };
}

/** An error of the query protocols. */
export function refusal(status: number, code: string, message: string): Reply {
  const tree = { Error: { Type: 'Sender', Code: code, Message: message }, RequestId: randomUUID() };
  return { status, contentType: 'text/xml', error: code, body: xml('ErrorResponse', tree) };
}

const xml = (root: string, tree: Tree): string => `<${root} xmlns="${NAMESPACE}">${children(tree)}</${root}>`;

const children = (tree: Tree): string =>
  Object.entries(tree)
    .map(([name, value]) => `<${name}>${typeof value === 'string' ? escaped(value) : children(value)}</${name}>`)
    .join('');

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

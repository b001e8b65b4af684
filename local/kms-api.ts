// KMS's calls that sign: Sign, Verify and GetPublicKey with ECDSA on P-256. Each signing key of the template has a real one,
// made at its first use and kept in the data folder from run to run, so that what was signed stays verifiable.
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { failure, jsonOf, type Call, type Reply } from '#local/aws-call.ts';
import { fromDer, signDigest, toDer, verifyDigest } from '#local/ecdsa.ts';
import type { KeySpec } from '#local/key-resources.ts';

export interface Kms {
  keys: readonly KeySpec[];
  /** Where private keys lie. */
  dir: string;
}

const LARGEST_MESSAGE_BYTES = 4096;
const bytes = z.base64().transform((text) => Buffer.from(text, 'base64'));
const algorithm = z.literal('ECDSA_SHA_256');

const signSchema = z
  .object({
    KeyId: z.string(),
    Message: bytes,
    MessageType: z.enum(['RAW', 'DIGEST']).default('RAW'),
    SigningAlgorithm: algorithm,
  })
  .refine(({ Message, MessageType }) => MessageType === 'DIGEST' || Message.length <= LARGEST_MESSAGE_BYTES, {
    error: `Message: at most ${LARGEST_MESSAGE_BYTES} bytes; sign its digest`,
  })
  .refine(({ Message, MessageType }) => MessageType === 'RAW' || Message.length === 32, {
    error: 'Message: a digest of ECDSA_SHA_256 has 32 bytes',
  });
const verifySchema = z.intersection(signSchema, z.object({ Signature: bytes }));
const keySchema = z.object({ KeyId: z.string() });

interface SigningKey {
  spec: KeySpec;
  key: KeyObject;
}

const prefix = 'TrentService.';

/** Undefined for what is no call of it; one that is not known is refused by its name. */
export function askKms({ target, body }: Call, kms: Kms): Reply | undefined {
  const request = jsonOf(body);
  switch (target) {
    case `${prefix}Sign`:
      return withKey(kms, signSchema.safeParse(request), signed);
    case `${prefix}Verify`:
      return withKey(kms, verifySchema.safeParse(request), verified);
    case `${prefix}GetPublicKey`:
      return withKey(kms, keySchema.safeParse(request), publicKey);
    default:
      return undefined;
  }
}

function withKey<Request extends { KeyId: string }>(
  kms: Kms,
  parsed: z.ZodSafeParseResult<Request>,
  act: (key: SigningKey, request: Request) => Reply,
): Reply {
  if (!parsed.success) return failure(400, 'ValidationException', z.prettifyError(parsed.error));
  const { KeyId } = parsed.data;
  const spec = kms.keys.find(({ id, arn, aliases }) => [id, arn, ...aliases].some((name) => isNamed(KeyId, name)));
  if (!spec) return failure(400, 'NotFoundException', `Key ${KeyId} is not among the keys of the template.`);
  if (spec.spec !== 'ECC_NIST_P256')
    return failure(400, 'InvalidKeyUsageException', `${spec.arn} key usage is not SIGN_VERIFY (${spec.spec}).`);
  return act({ spec, key: keyOf(kms, spec) }, parsed.data);
}

/** An alias may also come as an ARN. */
const isNamed = (keyId: string, name: string): boolean =>
  keyId === name || (name.startsWith('alias/') && keyId.endsWith(`:${name}`));

function keyOf({ dir }: Kms, { id }: KeySpec): KeyObject {
  const file = join(dir, `${encodeURIComponent(id)}.pem`);
  if (existsSync(file)) return createPrivateKey(readFileSync(file));
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return privateKey;
}

function signed({ spec, key }: SigningKey, { Message, MessageType }: z.infer<typeof signSchema>): Reply {
  const signature = MessageType === 'DIGEST' ? toDer(signDigest(Message, key)) : sign('sha256', Message, key);
  return answer(spec, { Signature: signature.toString('base64') });
}

function verified({ spec, key }: SigningKey, request: z.infer<typeof verifySchema>): Reply {
  const { Message, MessageType, Signature } = request;
  const plain = fromDer(Signature);
  const isValid =
    plain !== undefined &&
    (MessageType === 'DIGEST'
      ? verifyDigest(Message, plain, key)
      : verify('sha256', Message, createPublicKey(key), Signature));
  if (isValid) return answer(spec, { SignatureValid: true });
  return failure(400, 'KMSInvalidSignatureException', 'The signature is not that of this message by this key.');
}

function publicKey({ spec, key }: SigningKey): Reply {
  const der = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const body = {
    KeyId: spec.arn,
    PublicKey: der.toString('base64'),
    KeySpec: spec.spec,
    CustomerMasterKeySpec: spec.spec,
    KeyUsage: 'SIGN_VERIFY',
    SigningAlgorithms: ['ECDSA_SHA_256'],
  };
  return { status: 200, body };
}

const answer = ({ arn }: KeySpec, rest: object): Reply => ({
  status: 200,
  body: { KeyId: arn, ...rest, SigningAlgorithm: 'ECDSA_SHA_256' },
});

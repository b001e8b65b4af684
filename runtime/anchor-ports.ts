import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import type { AnchoringPorts } from '#core/audit-anchoring.ts';
import type { VerifyPorts } from '#core/audit-verify.ts';
import { runtimeAnchors } from './anchors.ts';
import type { Environment } from './environment.ts';
import { sha256 } from './hash.ts';
import { clientOptions } from './services.ts';
import { runtimeSigner, runtimeVerifier } from './signer.ts';

/** The bucket of the anchors and the key that signs them. */
export function anchorPorts({ own, region, local }: Environment): Pick<
  AnchoringPorts & VerifyPorts,
  'anchors' | 'signer' | 'verifier' | 'hash'
> & {
  readonly close: () => void;
} {
  const { AUDIT_BUCKET: bucket = '', AUDIT_KEY: key = '' } = own;
  const kms = new KMSClient({ ...clientOptions, region, ...(local && { endpoint: local.endpoints.kms }) });
  const s3 = new S3Client({
    ...clientOptions,
    region,
    ...(local && { endpoint: local.endpoints.s3, forcePathStyle: true }),
  });
  return {
    anchors: runtimeAnchors(s3, bucket),
    signer: runtimeSigner(kms, key),
    verifier: runtimeVerifier(kms, key),
    hash: sha256,
    close: () => [kms, s3].forEach((client) => client.destroy()),
  };
}

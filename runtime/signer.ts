import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { GetPublicKeyCommand, SignCommand, type KMSClient } from '@aws-sdk/client-kms';
import { Failure } from '#core/errors.ts';
import type { Signer, Verifier } from '#core/ports.ts';

const algorithm = 'ECDSA_SHA_256';

/** The key that signs the hours of the audit; it never leaves KMS. */
export const runtimeSigner = (client: KMSClient, keyId: string): Signer => ({
  async sign(message) {
    const { Signature: signature } = await client.send(
      new SignCommand({ KeyId: keyId, Message: message, MessageType: 'RAW', SigningAlgorithm: algorithm }),
    );
    if (signature) return signature;
    throw new Failure('DEPENDENCY_UNAVAILABLE', `KMS gave no signature by the key ${keyId}: try again`);
  },
});

/** Verifies by the public half of that key, which is asked for once. */
export function runtimeVerifier(client: KMSClient, keyId: string): Verifier {
  let publicKey: Promise<KeyObject> | undefined;
  const ask = async (): Promise<KeyObject> => {
    const { PublicKey: der } = await client.send(new GetPublicKeyCommand({ KeyId: keyId }));
    return createPublicKey({ key: Buffer.from(der ?? []), format: 'der', type: 'spki' });
  };
  return {
    async verify(message, signature) {
      publicKey ??= ask().catch((error: unknown) => {
        publicKey = undefined;
        throw error;
      });
      return verify('sha256', message, await publicKey, signature);
    },
  };
}

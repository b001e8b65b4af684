import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { Signer, Verifier } from '#core/ports.ts';

/** A key of its own, on the curve and with the signatures of the real one. */
export function memorySigner(): Signer & Verifier {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKey = createPublicKey(privateKey);
  return {
    sign: async (message) => new Uint8Array(sign('sha256', message, privateKey)),
    verify: async (message, signature) => verify('sha256', message, publicKey, signature),
  };
}

import { createHash } from 'node:crypto';

/** SHA-256 of some bytes, in lower-case hexadecimal: how artefacts and inputs are named in a manifest. */
export const sha256Hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

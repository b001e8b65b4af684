// The settings that every AWS client of the plane shares, and the plane's own fake credentials.
import { randomBytes } from 'node:crypto';

export interface ClientSettings {
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
  maxAttempts: number;
}

/** Credentials that no account knows, fresh for each plane: the CDK caches the account by access key. */
export function fakeCredentials(): ClientSettings['credentials'] {
  return {
    accessKeyId: `LOCAL${randomBytes(8).toString('hex').toUpperCase().slice(0, 15)}`,
    secretAccessKey: randomBytes(20).toString('hex'),
  };
}

import { SSMProvider } from '@aws-lambda-powertools/parameters/ssm';
import { SSMClient } from '@aws-sdk/client-ssm';
import { keptForSeconds, present, settings, type Where } from './secrets-read.ts';

/** A parameter, decrypted. */
export function parameterReader(where: Where): (name: string) => Promise<string | undefined> {
  const provider = new SSMProvider({ awsSdkV3Client: new SSMClient(settings(where, 'ssm')) });
  return (name) =>
    present(name, () => provider.get(`/alphaswarm/${where.cell}/${name}`, { maxAge: keptForSeconds, decrypt: true }));
}
